// SPDX-License-Identifier: BSL-1.0

// Go: sync.Mutex, four goroutines, with an empty section and with work inside and outside.
package main

import (
	"sync"
	"time"
)

var mutex sync.Mutex
var counter int

func work(duration time.Duration) {
	for end := time.Now().Add(duration); time.Now().Before(end); {
	}
}

func empty(times int) {
	for i := 0; i < times; i++ {
		mutex.Lock()
		counter++
		mutex.Unlock()
	}
}

func working(times int, worst *time.Duration) {
	for i := 0; i < times; i++ {
		asked := time.Now()
		mutex.Lock()
		if waited := time.Since(asked); waited > *worst {
			*worst = waited
		}
		work(time.Microsecond)
		counter++
		mutex.Unlock()
		work(4 * time.Microsecond)
	}
}

func four(body func(i int)) {
	var all sync.WaitGroup
	for i := 0; i < 4; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			body(i)
		}(i)
	}
	all.Wait()
}

func main() {
	begin(1_000_000)
	ms := medianMs(func() {
		counter = 0
		four(func(int) { empty(size) })
		expect(counter == 4*size, "lock")
	})
	report("lock", "empty", ms, "ms")
	worst := [4]time.Duration{}
	ms = medianMs(func() {
		counter = 0
		worst = [4]time.Duration{}
		four(func(i int) { working(size/50, &worst[i]) })
		expect(counter == 4*(size/50), "lock")
	})
	longest := time.Duration(0)
	for _, each := range worst {
		if each > longest {
			longest = each
		}
	}
	report("lock", "work", ms, "ms")
	report("lock", "longest_wait", float64(longest.Nanoseconds())/1e3, "us")
}
