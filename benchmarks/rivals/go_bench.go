// SPDX-License-Identifier: BSL-1.0

// What bench.hpp is for the C++ programs: the same options and the same output line.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"time"
)

var threads, rounds, size int

func begin(usualSize int) {
	flag.IntVar(&threads, "threads", 2, "")
	flag.IntVar(&rounds, "rounds", 3, "timed repetitions; one more comes first to warm up")
	flag.IntVar(&size, "size", 0, "0: the usual size")
	flag.Parse()
	if size == 0 {
		size = usualSize
	}
	runtime.GOMAXPROCS(threads)
}

func report(row, variant string, value float64, unit string) {
	fmt.Printf("%s %s %d %.6g %s\n", row, variant, threads, value, unit)
}

func expect(right bool, what string) {
	if !right {
		fmt.Fprintln(os.Stderr, "wrong result:", what)
		os.Exit(1)
	}
}

func medianMs(body func()) float64 {
	body()
	var times []float64
	for i := 0; i < rounds; i++ {
		start := time.Now()
		body()
		times = append(times, float64(time.Since(start).Nanoseconds())/1e6)
	}
	sort.Float64s(times)
	middle := len(times) / 2
	if len(times)%2 == 1 {
		return times[middle]
	}
	return (times[middle-1] + times[middle]) / 2
}

func sumBelow(n int) uint64 { return uint64(n) * uint64(n-1) / 2 }
