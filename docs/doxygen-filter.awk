# SPDX-License-Identifier: BSL-1.0
# A header as Doxygen should read it. Our comments are written for people who read the
# header: the first paragraph is about the file, and what looks like markup in a sentence (Queue<T>,
# #include, @) is none. Doxygen 1.9 does not know all of C++20. Of what is in detail, the bases of
# public classes are shown, and what is there for people who add a primitive or an executor.
BEGIN {
  file = ARGV[1]
  base = file ~ /(basic_queue|pool_face|executor)\.hpp$/
  hidden = file ~ /\/(detail|os)\// && !base
  # `template <class X = void> class BasicLock`, `using Lock = BasicLock<>`: a class, to its users.
  while ((getline line < file) > 0) {
    if (line !~ /^using [A-Za-z]+ = Basic[A-Za-z]+<>;/) continue
    split(line, words, " ")
    lazy[words[2]] = 1
  }
  close(file)
}
hidden { next }

function braces(line) { # how many are opened and not closed
  gsub(/"[^"]*"|'[^']*'|\/\/.*/, "", line)
  return gsub(/\{/, "", line) - gsub(/\}/, "", line)
}

function plain(line,   name) {
  for (name in lazy) gsub("Basic" name "(<(X|Core|Object|Options)?>)?", name, line)
  return line
}

# Internals in a public header.
/^namespace detail \{/ && !base {
  print "/// \\cond"
  inside = 1
}
inside {
  depth += braces($0)
  sub(/\/\/\//, "//")
  print
  if (depth == 0) {
    print "/// \\endcond"
    inside = 0
  }
  next
}

/^ *\/\/\// {
  if (!seen++) printf "/// \\file\n"
  if ($0 !~ /^ *\/\/\/<?     /) { # five spaces: an indented block of code
    count = split($0, parts, "`")
    line = ""
    for (i = 1; i <= count; i++) {
      if (i % 2) { # not inside `code`
        mark = ""
        if (i == 1 && match(parts[1], /^ *\/\/\/<?/)) {
          mark = substr(parts[1], 1, RLENGTH)
          parts[1] = substr(parts[1], RLENGTH + 1)
        }
        gsub(/[<>@#\\]/, "\\\\&", parts[i])
        parts[i] = mark parts[i]
      }
      line = line (i > 1 ? "`" : "") parts[i]
    }
    $0 = line
  }
  print
  next
}

# A member defined behind its class: its declaration says it all, and Doxygen may not find it.
/^template </ {
  held = held $0 "\n"
  next
}
/^using [A-Za-z]+ = Basic[A-Za-z]+<>;/ { next }
held != "" && /^class Basic/ {
  name = $2
  sub(/^Basic/, "", name)
  if (name in lazy) held = ""
}
held != "" || skipping {
  if (held != "" && /^[A-Za-z_].*[A-Za-z_]>?::[a-z_]+\(/) skipping = 1
  if (!skipping) printf "%s", held
  held = ""
}
skipping {
  if (/^}/ || /^[^ ].*\}$/) skipping = 0
  next
}
{
  gsub(/namespace cohort::inline v[0-9]+/, "namespace cohort")
  gsub(/\[\[nodiscard(\("[^"]*"\))?\]\]/, "")
  $0 = plain($0)
  print
}
