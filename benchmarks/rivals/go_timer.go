// SPDX-License-Identifier: BSL-1.0

// Go: a hundred thousand sleeps at once, up to 10 ms each; and how late a lone 1 ms sleep is.
package main

import (
	"sync"
	"time"
)

func main() {
	begin(100_000)
	ms := medianMs(func() {
		var all sync.WaitGroup
		all.Add(size)
		for i := 0; i < size; i++ {
			go func(i int) {
				time.Sleep(time.Duration(i%1000) * 10 * time.Microsecond)
				all.Done()
			}(i)
		}
		all.Wait()
	})
	report("timer", "sleeps", ms, "ms")
	const alone = 200
	ms = medianMs(func() {
		for i := 0; i < alone; i++ {
			time.Sleep(time.Millisecond)
		}
	})
	report("timer", "late", (ms/alone-1)*1e3, "us")
}
