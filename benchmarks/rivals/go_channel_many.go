// SPDX-License-Identifier: BSL-1.0

// Go: one channel of 1024 between as many senders as receivers.
package main

import (
	"strconv"
	"sync"
)

func main() {
	begin(10_000_000)
	for _, sides := range []int{1, 4} {
		ms := medianMs(func() {
			items := make(chan uint64, 1024)
			sums := make(chan uint64, sides)
			var producers sync.WaitGroup
			for side := 0; side < sides; side++ {
				producers.Add(1)
				go func() {
					for i := 0; i < size/sides; i++ {
						items <- uint64(i)
					}
					producers.Done()
				}()
				go func() {
					sum := uint64(0)
					for item := range items {
						sum += item
					}
					sums <- sum
				}()
			}
			producers.Wait()
			close(items)
			total := uint64(0)
			for side := 0; side < sides; side++ {
				total += <-sums
			}
			expect(total == uint64(sides)*sumBelow(size/sides), "channel")
		})
		name := strconv.Itoa(sides) + ":" + strconv.Itoa(sides)
		report("channel_many", name, ms, "ms")
	}
}
