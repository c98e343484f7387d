#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# Drives the demo, examples/900_pipeline, over real directories.
#
#   pipeline.sh PROGRAM         every case
#   pipeline.sh PROGRAM CASE    one of them; exit status 77 if it cannot be tried here
#   pipeline.sh --cases         their names
set -u
LC_ALL=C
export LC_ALL

cases='help usage no_such_path counting empty_directory links binary fifo unreadable read_error
       odd_names large_file many_names workers difference interrupt terminate progress
       processes_counting processes_empty_directory processes_links processes_binary
       processes_unreadable processes_read_error processes_odd_names processes_large_file
       processes_many_names processes_workers processes_difference processes_interrupt
       processes_terminate processes_progress
       killed_worker killed_workers no_retries killed_program'

if [ "$1" = --cases ]; then
  # shellcheck disable=SC2086  # names, separated by spaces
  echo $cases
  exit
fi
program=$1
if [ $# -eq 1 ]; then
  failed=0
  for name in $cases; do
    "$0" "$program" "$name"
    case $? in
      0) echo "ok $name" ;;
      77) echo "skipped $name" ;;
      *) echo "FAILED $name" && failed=1 ;;
    esac
  done
  exit $failed
fi

place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
cd "$place" || exit 1
mkdir tree

# ---- tools -------------------------------------------------------------------------------------

fail() {
  echo "$1; exit status $status"
  echo '-- stdout' && cat "$place/out"
  echo '-- stderr' && cat "$place/err"
  exit 1
}
unable() {
  echo "cannot be tried here: $1"
  exit 77
}
domain=--threads
run() {
  status=0
  "$program" $domain "$@" >"$place/out" 2>"$place/err" || status=$?
}
exits_with() { [ "$status" -eq "$1" ] || fail "expected exit status $1"; }
prints() { grep -Eq -- "$1" "$place/out" || fail "expected '$1' on stdout"; }
does_not_print() { ! grep -Eq -- "$1" "$place/out" || fail "did not expect '$1' on stdout"; }
warns() { grep -Eq -- "$1" "$place/err" || fail "expected '$1' on stderr"; }
is_quiet() { [ ! -s "$place/err" ] || fail 'expected nothing on stderr'; }
warns_once_each() {
  [ "$(wc -l <"$place/err")" -eq "$1" ] || fail "expected $1 lines on stderr"
}
counts() { prints "^ +$1  $2\$"; }
files() { prints "(^| )$1 files, "; }

# 4096 files of 1 MB: hard links, so that they cost neither time nor space.
make_large_tree() {
  mkdir -p tree/0
  i=0
  while [ $i -lt 20000 ]; do
    echo "static int identifier_$i = another_identifier; // a comment"
    i=$((i + 1))
  done >tree/0/0.h
  i=1
  while [ $i -lt 64 ]; do
    ln tree/0/0.h tree/0/$i.h
    i=$((i + 1))
  done
  i=1
  while [ $i -lt 64 ]; do
    mkdir tree/$i
    ln tree/0/* tree/$i
    i=$((i + 1))
  done
}

begins() { # with these arguments, and goes on beside us
  status=0
  "$program" "$@" >"$place/out" 2>"$place/err" &
  process=$!
}
kills() { # a process, and waits for the end of the program
  kill -KILL "$1"
  ends
}
ends() {
  wait $process || status=$?
}

# The process is no shell any more, and has a handler for signal 2. Where that cannot be seen, a
# second has to do.
wait_for_handler() {
  [ -r /proc/self/status ] || { sleep 1; return; }
  shell=$(readlink "/proc/$$/exe")
  tries=0
  while [ $tries -lt 500 ]; do
    if [ "$(readlink "/proc/$1/exe")" != "$shell" ]; then
      case $(sed -n 's/^SigCgt:.*\(.\)$/\1/p' "/proc/$1/status" 2>/dev/null) in
        [2367abef]) return ;;
      esac
    fi
    sleep 0.02
    tries=$((tries + 1))
  done
  fail 'no handler for SIGINT'
}

stops_by() {
  make_large_tree
  begins $domain tree
  wait_for_handler $process
  kill "-$1" $process
  ends
  exits_with 130
  prints '^interrupted after [0-9]+ files, '
  does_not_print 'after 4096 files'
  is_quiet
}

# ---- cases -------------------------------------------------------------------------------------

help() {
  domain= # alone
  run --help
  exits_with 0
  prints '^usage: '
  prints 'Exit status'
  is_quiet
}

usage() {
  for words in '--workers' '--workers 0' '--workers -1' '--workers 2x' '--workers 99999' \
    '--nonsense' 'tree tree' '--check --workers' '--retries' '--retries -1' '--retries x' \
    '--processes --workers 101'; do
    # shellcheck disable=SC2086  # meant to be several words
    run $words
    exits_with 2
    warns '^usage: '
    [ ! -s "$place/out" ] || fail 'expected nothing on stdout'
  done
}

no_such_path() {
  run tree/nowhere
  exits_with 2
  warns 'tree/nowhere: No such file or directory'
  ln -s nowhere tree/dangling
  run tree/dangling
  exits_with 2
  warns 'tree/dangling: No such file or directory'
  echo 'int i;' >tree/file.h
  run tree/file.h
  exits_with 2
  warns 'tree/file.h: not a directory'
}

counting() {
  mkdir -p tree/deep/deeper
  cat >tree/one.h <<'END'
#include <not_this/not_that.h>
// not_this
/* not_this
   "not_that */ int same; /**/
const char* text = "not_this \" not_that", letter = '"', other = '\'';
auto number = 0x1FULL + 1'000'000 + 1.5e10f;
END
  cat >tree/deep/deeper/two.h <<'END'
auto raw = R"x(not_this " )" */ not_that)x" + same;
auto wide = L"not_this" + u8"not_that" + same / größe;
END
  : >tree/deep/nothing.h
  run --check --workers 2 tree
  exits_with 0
  is_quiet
  files 3
  counts 1 int
  counts 3 same
  counts 3 auto
  counts 1 number
  counts 1 'größe'
  does_not_print 'not_|x1F|ULL|u8|e10f|  (L|R|x)$'
  prints "$(cat tree/one.h tree/deep/deeper/two.h | wc -c | awk '{printf "%.2f MB, 12 identifiers", $1 / 1e6}')"
  prints 'check: every counter agrees'
}

empty_directory() {
  run --check tree
  exits_with 0
  warns '^tree: empty directory'
  warns_once_each 1
  files 0
  mkdir tree/inner
  echo 'int i;' >tree/file.h
  run tree
  exits_with 0
  warns '^tree/inner: empty directory'
  files 1
}

links() {
  mkdir tree/inner elsewhere
  echo 'int inside;' >tree/inner/file.h
  echo 'int outside;' >elsewhere/file.h
  echo 'int beside;' >elsewhere.h
  ln -s nowhere tree/dangling.h
  ln -s self.h tree/self.h
  ln -s pong.h tree/ping.h
  ln -s ping.h tree/pong.h
  ln -s . tree/inner/here
  ln -s ../.. tree/inner/up
  ln -s inner tree/again
  ln -s "$place/elsewhere" tree/outside
  ln -s ../tree elsewhere/back
  ln -s ../elsewhere.h tree/beside.h
  run --check --workers 2 tree
  exits_with 1
  warns '^tree/dangling.h: skipped: dangling link$'
  warns '^tree/self.h: skipped: looping link$'
  warns '^tree/ping.h: skipped: looping link$'
  warns '^tree/pong.h: skipped: looping link$'
  warns '^tree/.*/here: skipped: looping link'
  warns '^tree/.*/up: skipped: looping link'
  counts 1 inside
  counts 1 outside
  counts 1 beside
  files 3
  prints 'check: every counter agrees'
}

binary() {
  echo 'int text;' >tree/text.h
  cp "$program" tree/program
  printf 'int almost\000text;' >tree/almost.h
  run --check tree
  exits_with 1
  warns '^tree/program: skipped: binary file$'
  warns '^tree/almost.h: skipped: binary file$'
  warns_once_each 2
  files 1
  counts 1 text
}

fifo() {
  mkfifo tree/fifo 2>/dev/null || unable 'no fifos'
  echo 'int text;' >tree/text.h
  run tree
  exits_with 1
  warns '^tree/fifo: skipped: neither a file nor a directory$'
  files 1
}

unreadable() {
  mkdir tree/closed
  echo 'int text;' >tree/text.h
  echo 'int secret;' >tree/secret.h
  echo 'int hidden;' >tree/closed/hidden.h
  chmod 000 tree/secret.h tree/closed
  if [ "$(id -u)" -eq 0 ]; then # who may read everything: be somebody else
    command -v setpriv >/dev/null || unable 'root can read everything, and there is no setpriv'
    chmod 755 "$place" tree
    cp "$program" "$place/program" && chmod 755 "$place/program"
    status=0
    setpriv --reuid=65534 --clear-groups "$place/program" $domain --check tree \
      >"$place/out" 2>"$place/err" || status=$?
  else
    run --check tree
  fi
  chmod 755 tree/closed
  exits_with 1
  warns '^tree/secret.h: skipped: Permission denied$'
  warns '^tree/closed: skipped: Permission denied$'
  warns_once_each 2
  files 1
  counts 1 text
  prints 'check: every counter agrees'
}

read_error() {
  # A regular file that anybody can open and nobody can read from its beginning.
  if [ ! -e /proc/self/mem ] || cat /proc/self/mem >/dev/null 2>&1; then unable 'no such file'; fi
  ln -s /proc/self/mem tree/memory
  echo 'int text;' >tree/text.h
  run tree
  exits_with 1
  warns '^tree/memory: skipped: .*[Ee]rror$'
  files 1
}

odd_names() {
  mkdir 'tree/a directory' 'tree/--check'
  echo 'int one;' >'tree/a directory/a file.h'
  echo 'int two;' >'tree/--check/*?\"'
  echo 'int three;' >'tree/größe.h'
  run --check tree
  exits_with 0
  is_quiet
  files 3
  counts 3 int
}

large_file() {
  {
    echo 'int first;'
    awk 'BEGIN {
      for (i = 0; i < 40000; ++i) print "static int identifier; // a comment of some length";
      print "/*";
      for (i = 0; i < 40000; ++i) print "int in_a_comment; this is longer than what is read at once";
      print "*/ int behind;";
      for (i = 0; i < 300000; ++i) printf "int in_a_long_line; ";
      print "int last";
    }'
  } >tree/large.h
  cp tree/large.h tree/same.h
  run --check --workers 2 tree
  exits_with 0
  files 2
  counts 80000 identifier
  counts 600000 in_a_long_line
  counts 2 first
  counts 2 behind
  counts 2 last
  does_not_print in_a_comment
  prints 'check: every counter agrees'
}

workers() {
  i=0
  while [ $i -lt 300 ]; do
    mkdir tree/$i
    echo "int same, name_$i; struct both_$((i / 2)); #define third_$((i % 3))" >tree/$i/file.h
    i=$((i + 1))
  done
  mkdir tree/empty
  ln -s nowhere tree/dangling
  for n in 1 2 3 8 64; do
    run --check --workers $n tree
    exits_with 1
    files 300
    counts 300 same
    counts 100 third_1
    prints "with $n workers?( of each kind, all processes)?\$"
    prints 'check: every counter agrees'
    warns_once_each 2
    grep '^ ' "$place/out" >"$place/counts.$n"
    cmp -s "$place/counts.1" "$place/counts.$n" || fail "$n workers count something else than 1"
  done
}

many_names() { # more than a tokenizer keeps to itself
  awk 'BEGIN {
    for (file = 0; file < 50; ++file) {
      name = "tree/" file ".h";
      for (i = 0; i < 2000; ++i) print "same mine_" file "_" i " both_" int(file / 2) "_" i > name;
      close(name);
    }
  }'
  for n in 1 2; do
    run --check --workers $n tree
    exits_with 0
    is_quiet
    files 50
    counts 100000 same
    counts 2 both_0_0
    prints ' 150001 identifiers'
    prints 'check: every counter agrees'
  done
}

difference() {
  [ -r /proc/sys/kernel/random/uuid ] || unable 'no file that changes whenever it is read'
  for i in 0 1 2 3 4 5 6 7 8 9; do ln -s /proc/sys/kernel/random/uuid tree/$i; done
  run --check tree
  exits_with 3
  warns '^check: '
  prints 'THE COUNTERS DIFFER'
}

interrupt() { stops_by INT; }
terminate() { stops_by TERM; }

progress() {
  # A pseudo-terminal: only there is a progress line.
  script -qec true /dev/null >/dev/null 2>&1 </dev/null || unable 'no script(1) of util-linux'
  make_large_tree
  rm -rf tree/[1-9]*
  run tree
  exits_with 0
  is_quiet
  status=0
  script -qec "'$program' $domain tree" /dev/null >"$place/out" 2>"$place/err" </dev/null || status=$?
  exits_with 0
  prints "$(printf '\r')[0-9]+ files, [0-9.]+ MB, [0-9.]+ MB/s"
}

# ---- processes ---------------------------------------------------------------------------------

in_processes() {
  domain=--processes
  mkdir "$place/nothing"
  run nothing
  if grep -q 'processes .* not supported on this platform' "$place/err"; then
    exits_with 4
    unable 'no processes on this platform'
  fi
}

processes_counting() { in_processes && counting; }
processes_empty_directory() { in_processes && empty_directory; }
processes_links() { in_processes && links; }
processes_binary() { in_processes && binary; }
processes_unreadable() { in_processes && unreadable; }
processes_read_error() { in_processes && read_error; }
processes_odd_names() { in_processes && odd_names; }
processes_large_file() { in_processes && large_file; }
processes_many_names() { in_processes && many_names; }
processes_workers() { in_processes && workers; }
processes_difference() { in_processes && difference; }
processes_interrupt() { in_processes && interrupt; }
processes_terminate() { in_processes && terminate; }
processes_progress() { in_processes && progress; }

in_processes_to_kill() {
  [ -r /proc/self/stat ] || unable 'no /proc to find the workers in'
  in_processes
  make_large_tree
}

children_of() { # those that are no zombies, each with the CPU time it has used, in ticks
  cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*)/x/' |
    awk -v parent="$1" '$4 == parent && $3 != "Z" && $3 != "X" { print $1, $14 + $15 }'
}

# A worker in the middle of its work: it has computed for a while, and the input is far from its end.
# The fork server, a child as well, does not compute.
wait_for_worker() {
  tries=0
  while [ $tries -lt 3000 ]; do
    worker=$(children_of "$1" | awk '$2 >= 5 { print $1; exit }')
    [ -z "$worker" ] || return 0
    kill -0 "$1" 2>/dev/null || break
    sleep 0.02
    tries=$((tries + 1))
  done
  fail 'no worker has begun to work'
}

killed_worker() { # is named, and the result is as if nothing had happened
  in_processes_to_kill
  rm -rf tree/[1-9]? tree/[5-9]
  begins --processes --workers 1 tree
  wait_for_worker $process
  kills "$worker"
  exits_with 0
  warns "^900_pipeline: (a tokenizer|a reader|the lister) was lost: .*process $worker .*signal 9"
  warns '^900_pipeline: counting again from the beginning$'
  warns_once_each 2
  files 320
  for name in static int another_identifier; do counts 6400000 $name; done
  counts 320 identifier_10010
  prints ' 20003 identifiers, '
}

killed_workers() { # once too often
  in_processes_to_kill
  begins --processes --retries 1 tree
  wait_for_worker $process
  first=$worker
  kill -KILL "$first"
  tries=0
  until grep -q 'counting again' "$place/err"; do
    [ $tries -lt 3000 ] || fail 'expected another attempt'
    sleep 0.02
    tries=$((tries + 1))
  done
  wait_for_worker $process
  kills "$worker"
  exits_with 5
  warns "process $first .*signal 9"
  warns "process $worker .*signal 9"
  warns '^900_pipeline: gave up: '
  warns_once_each 4
  [ ! -s "$place/out" ] || fail 'expected nothing on stdout'
}

no_retries() {
  in_processes_to_kill
  begins --processes --retries 0 tree
  wait_for_worker $process
  kills "$worker"
  exits_with 5
  warns "process $worker .*signal 9"
  warns '^900_pipeline: gave up: '
  warns_once_each 2
}

killed_program() { # takes its workers along
  in_processes_to_kill
  begins --processes --workers 2 tree
  wait_for_worker $process
  family=$(children_of $process | sed 's/ .*//')
  kills $process
  exits_with 137
  tries=0
  for child in $family; do
    while [ "$(readlink "/proc/$child/exe")" = "$(readlink -f "$program")" ]; do
      [ $tries -lt 3000 ] || fail "process $child outlives the program"
      sleep 0.02
      tries=$((tries + 1))
    done
  done
}

$2
