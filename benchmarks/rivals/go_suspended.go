// SPDX-License-Identifier: BSL-1.0

// Go: a million goroutines that wait for one channel to be closed.
package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return float64(pages) * float64(os.Getpagesize())
}

var standing, finished int64

func reach(counter *int64) {
	for atomic.LoadInt64(counter) < int64(size) {
		runtime.Gosched()
	}
}

func measure(mark string) {
	event := make(chan struct{})
	standing, finished = 0, 0
	before := resident()
	start := time.Now()
	for i := 0; i < size; i++ {
		go func() {
			atomic.AddInt64(&standing, 1)
			<-event
			atomic.AddInt64(&finished, 1)
		}()
	}
	reach(&standing)
	spawned := time.Since(start)
	after := resident()
	setting := time.Now()
	close(event)
	reach(&finished)
	resumed := time.Since(setting)
	n := float64(size)
	if mark != "" {
		report("suspended", "bytes", (after-before)/n, "B")
	}
	report("suspended", "spawn"+mark, float64(spawned.Nanoseconds())/n, "ns")
	report("suspended", "resume"+mark, float64(resumed.Nanoseconds())/n, "ns")
}

func main() {
	begin(1_000_000)
	measure("_cold")
	measure("")
}
