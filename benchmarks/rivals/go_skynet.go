// SPDX-License-Identifier: BSL-1.0

// Go: ten goroutines at every node, results through one channel.
package main

import "strconv"

func tree(first, leaves int, out chan<- uint64) {
	if leaves == 1 {
		out <- uint64(first)
		return
	}
	part := leaves / 10
	sums := make(chan uint64, 10)
	for i := 0; i < 10; i++ {
		go tree(first+i*part, part, sums)
	}
	total := uint64(0)
	for i := 0; i < 10; i++ {
		total += <-sums
	}
	out <- total
}

func main() {
	begin(10_000_000)
	sum := uint64(0)
	ms := medianMs(func() {
		out := make(chan uint64, 1)
		tree(0, size, out)
		sum = <-out
	})
	expect(sum == sumBelow(size), "skynet")
	report("skynet", strconv.Itoa(size), ms, "ms")
}
