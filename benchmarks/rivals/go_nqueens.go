// SPDX-License-Identifier: BSL-1.0

// Go: a goroutine for each place that is free, results through one channel.
package main

const n = 13

type board [n]int8

func mayPlace(rows *board, row, column int) bool {
	for above := 0; above < row; above++ {
		taken := int(rows[above])
		distance := row - above
		if taken == column || taken == column-distance || taken == column+distance {
			return false
		}
	}
	return true
}

func place(row int, rows board, out chan<- int) {
	if row == n {
		out <- 1
		return
	}
	legs := 0
	found := make(chan int, n)
	for column := 0; column < n; column++ {
		if mayPlace(&rows, row, column) {
			rows[row] = int8(column)
			go place(row+1, rows, found)
			legs++
		}
	}
	total := 0
	for ; legs > 0; legs-- {
		total += <-found
	}
	out <- total
}

func main() {
	begin(n)
	total := 0
	ms := medianMs(func() {
		out := make(chan int, 1)
		place(0, board{}, out)
		total = <-out
	})
	expect(total == 73712, "nqueens")
	report("nqueens", "13", ms, "ms")
}
