// SPDX-License-Identifier: BSL-1.0

// Go: one half in a goroutine, its result through a channel of one.
package main

import "strconv"

func fib(n int) int {
	if n < 2 {
		return n
	}
	half := make(chan int, 1)
	go func() { half <- fib(n - 1) }()
	other := fib(n - 2)
	return <-half + other
}

func main() {
	begin(35)
	result := 0
	ms := medianMs(func() { result = fib(size) })
	expect(size != 35 || result == 9227465, "fib 35")
	report("fib", strconv.Itoa(size), ms, "ms")
}
