// SPDX-License-Identifier: BSL-1.0

// Go: one goroutine sends, one receives, through a buffered channel.
package main

import "strconv"

func main() {
	begin(10_000_000)
	for _, capacity := range []int{64, 1024} {
		ms := medianMs(func() {
			items := make(chan uint64, capacity)
			go func() {
				for i := 0; i < size; i++ {
					items <- uint64(i)
				}
				close(items)
			}()
			done := make(chan uint64)
			go func() {
				sum := uint64(0)
				for item := range items {
					sum += item
				}
				done <- sum
			}()
			expect(<-done == sumBelow(size), "channel")
		})
		report("channel_one", "cap"+strconv.Itoa(capacity), ms, "ms")
	}
}
