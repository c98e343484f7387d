// SPDX-License-Identifier: BSL-1.0
// As for the other tests of processes: each must end without a child. They are apart from those
// because they are built with -O2: their time is that of the instructions.
#include "ipc/main.cpp"
