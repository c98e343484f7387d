// SPDX-License-Identifier: BSL-1.0
//
// The work that 900_pipeline.cpp spreads over the cores: finding files, reading them and cutting
// them into identifiers. Nothing in this file is concurrent.

#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace identifiers {

namespace fs = std::filesystem;

// ---- Values: they could go to another thread, another process or into a file --------------------

/// How often each name was seen: a hash table in three plain vectors. It needs no allocation for
/// each name, and a whole table travels as cheaply as the bytes in it.
struct Counts {
  struct Entry {
    std::uint64_t count;
    std::size_t begin;  // of the name, in `names`
    std::uint32_t size;
    std::uint32_t hash;
  };

  std::string names;                 // all of them, one behind the other
  std::vector<Entry> entries;        // in the order in which they were first seen
  std::vector<std::uint32_t> slots;  // by hash: 1 + an index into `entries`, 0 is free

  std::string_view name(const Entry& entry) const {
    return std::string_view(names).substr(entry.begin, entry.size);
  }

  /// The slot of a name: the one that refers to it, or the free one where it belongs.
  std::size_t find(std::string_view wanted, std::uint32_t hash) const {
    for (std::size_t slot = hash;; ++slot) {
      slot &= slots.size() - 1;  // a power of two, and at least half of them are free
      if (slots[slot] == 0) return slot;
      const Entry& entry = entries[slots[slot] - 1];
      if (entry.hash == hash && name(entry) == wanted) return slot;
    }
  }

  std::uint64_t of(std::string_view wanted) const {
    const std::uint32_t found = slots.empty() ? 0 : slots[find(wanted, hash_of(wanted))];
    return found == 0 ? 0 : entries[found - 1].count;
  }

  void add(std::string_view seen, std::uint64_t count, std::uint32_t hash) {
    if (slots.size() <= 2 * entries.size()) grow();
    std::uint32_t& slot = slots[find(seen, hash)];
    if (slot != 0) {
      entries[slot - 1].count += count;
    } else {
      const Entry entry{count, names.size(), static_cast<std::uint32_t>(seen.size()), hash};
      entries.push_back(entry);
      names += seen;
      slot = static_cast<std::uint32_t>(entries.size());
    }
  }

  void grow() {
    slots.assign(std::max<std::size_t>(64, 2 * slots.size()), 0);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      slots[find(name(entries[i]), entries[i].hash)] = static_cast<std::uint32_t>(i + 1);
    }
  }

  static std::uint32_t hash_of(std::string_view name) {
    return static_cast<std::uint32_t>(std::hash<std::string_view>()(name));
  }
};

/// Whole lines of one file.
struct Piece {
  std::string text;
  bool first = true;        // of its file
  bool in_comment = false;  // whether it begins inside a /* comment */
};

/// What has been counted.
struct Tally {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t skipped = 0;          // files, links and directories that could not be counted
  std::vector<std::string> messages;  // why not: lines for stderr
  Counts counts;
};

inline void skip(Tally& tally, const fs::path& path, const std::string& reason) {
  ++tally.skipped;
  tally.messages.push_back(path.string() + ": skipped: " + reason);
}

inline void merge(Tally& into, Tally from) {
  into.files += from.files;
  into.bytes += from.bytes;
  into.skipped += from.skipped;
  for (auto& message : from.messages) into.messages.push_back(std::move(message));
  for (const auto& entry : from.counts.entries) {
    into.counts.add(from.counts.name(entry), entry.count, entry.hash);
  }
}

// ---- Identifiers --------------------------------------------------------------------------------

enum class Kind : unsigned char { other, letter, digit, quote, slash };

inline constexpr std::array<Kind, 256> kinds = [] {
  std::array<Kind, 256> table{};
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = Kind::letter;
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = Kind::digit;
  for (std::size_t c = 128; c < 256; ++c) table[c] = Kind::letter;  // UTF-8
  table['_'] = Kind::letter;
  table['"'] = table['\''] = Kind::quote;
  table['/'] = Kind::slash;
  return table;
}();

/// Calls `found` with each identifier, keywords included. Skips comments, numbers, text in quotes
/// and the names of included files. Tells whether the text ends inside a /* comment */.
template <class Found>
bool for_each_identifier(std::string_view text, bool in_comment, Found found) {
  constexpr std::size_t nowhere = std::string_view::npos;
  const auto next = [&](std::size_t i) { return i < text.size() ? text[i] : '\n'; };
  const auto kind = [&](std::size_t i) { return kinds[static_cast<unsigned char>(next(i))]; };
  const auto in_word = [&](std::size_t i) {
    return kind(i) == Kind::letter || kind(i) == Kind::digit;
  };
  const auto behind = [&](std::string_view mark, std::size_t from) {
    const std::size_t place = text.find(mark, from);
    return place == nowhere ? nowhere : place + mark.size();
  };
  const auto line_end = [&](std::size_t from) {
    return std::min(text.find('\n', from), text.size());
  };

  std::size_t at = in_comment ? behind("*/", 0) : 0;
  while (at < text.size()) {
    const std::size_t begin = at++;
    switch (kind(begin)) {
      case Kind::letter: {
        while (in_word(at)) ++at;
        const std::string_view word = text.substr(begin, at - begin);
        if (word == "include") {
          at = line_end(at);
        } else if (next(at) == '"' && word.size() <= 3 && word.back() == 'R') {
          const std::size_t open = std::min(text.find('(', at), text.size() - 1);
          const std::string_view name = text.substr(at + 1, open - at - 1);
          at = std::min(behind(")" + std::string(name) + "\"", open), text.size());
        } else if (kind(at) != Kind::quote || word.size() > 2) {  // not the u8 of u8"text"
          found(word);
        }
        break;
      }
      case Kind::digit:
        while (in_word(at) || next(at) == '.' || (next(at) == '\'' && in_word(at + 1))) ++at;
        break;
      case Kind::quote:
        while (next(at) != text[begin] && next(at) != '\n') at += next(at) == '\\' ? 2U : 1U;
        ++at;
        break;
      case Kind::slash:
        if (next(at) == '/') at = line_end(at);
        else if (next(at) == '*') at = behind("*/", at + 1);
        break;
      case Kind::other: break;
    }
  }
  return at == nowhere;
}

// ---- Files --------------------------------------------------------------------------------------

/// Where this system keeps its C and C++ headers; empty if that is not known.
inline fs::path system_headers() {
  std::vector<fs::path> places{"/usr/include"};
  if (const char* sdk = std::getenv("SDKROOT")) places.push_back(fs::path(sdk) / "usr/include");
  places.push_back("/Library/Developer/CommandLineTools/SDKs/MacOSX.sdk/usr/include");
  if (const char* list = std::getenv("INCLUDE")) {  // a Windows compiler's command prompt
    places.push_back(std::string_view(list).substr(0, std::string_view(list).find(';')));
  }
  places.push_back("C:/msys64/ucrt64/include");
  for (const fs::path& place : places) {
    std::error_code unknown;
    if (fs::is_directory(place, unknown)) return place;
  }
  return fs::path();
}

/// Every file under `root`, one by one. Links are followed, but no directory is entered twice.
class Files {
 public:
  Files(fs::path root, Tally& report) : report_(report) { waiting_.push_back(std::move(root)); }

  std::optional<fs::path> next() {
    while (entry_ != fs::directory_iterator() || enter_next()) {
      if (entry_ == fs::directory_iterator()) continue;
      fs::path path = entry_->path();
      const bool found = is_file(*entry_);
      std::error_code error;
      entry_.increment(error);
      if (error) skip(report_, directory_, error.message());
      if (found) return path;
    }
    return std::nullopt;
  }

 private:
  bool enter_next() {
    if (waiting_.empty()) return false;
    directory_ = std::move(waiting_.back());
    waiting_.pop_back();
    std::error_code error;
    real_ = fs::canonical(directory_, error);
    if (!error && !entered_.insert(real_).second) return true;
    entry_ = fs::directory_iterator(directory_, error);
    if (error) {
      skip(report_, directory_, error.message());
    } else if (entry_ == fs::directory_iterator()) {
      report_.messages.push_back(directory_.string() + ": empty directory");
    }
    return true;
  }

  bool is_file(const fs::directory_entry& entry) {
    std::error_code error;
    const fs::file_type type = entry.status(error).type();
    if (type == fs::file_type::directory) {
      const fs::path target = fs::canonical(entry.path(), error);
      if (std::mismatch(target.begin(), target.end(), real_.begin(), real_.end()).first ==
          target.end()) {
        skip(report_, entry.path(), "looping link, it leads to a directory around it");
      } else {
        waiting_.push_back(entry.path());
      }
    } else if (type == fs::file_type::not_found) {
      skip(report_, entry.path(), "dangling link");
    } else if (error == std::errc::too_many_symbolic_link_levels) {
      skip(report_, entry.path(), "looping link");
    } else if (type != fs::file_type::regular) {
      skip(report_, entry.path(), error ? error.message() : "neither a file nor a directory");
    }
    return type == fs::file_type::regular;
  }

  Tally& report_;
  std::vector<fs::path> waiting_;  // directories
  std::set<fs::path> entered_;     // directories, by their real names
  fs::path directory_;             // the one that is being listed
  fs::path real_;                  // its real name
  fs::directory_iterator entry_;
};

/// The text of a file, piece by piece; nothing if the file cannot be read or holds no text.
class Pieces {
 public:
  Pieces(fs::path file, Tally& report)
      : report_(report), file_(std::move(file)), in_(file_, std::ios::binary) {
    constexpr std::uintmax_t largest = 1 << 20;
    std::error_code unknown;
    const auto size = std::clamp<std::uintmax_t>(fs::file_size(file_, unknown), 4095, largest);
    block_ = static_cast<std::size_t>(size) + 1;  // so that most files are read at once
  }

  std::optional<Piece> next() {
    if (in_.eof()) return std::nullopt;
    Piece piece;
    piece.first = std::exchange(first_, false);
    piece.in_comment = in_comment_;
    piece.text.resize(block_);
    in_.read(piece.text.data(), static_cast<std::streamsize>(block_));
    piece.text.resize(static_cast<std::size_t>(in_.gcount()));
    if (std::string rest; in_.good() && std::getline(in_, rest)) {
      piece.text += rest;
      if (!in_.eof()) piece.text += '\n';
    }
    if (!in_.eof() && !in_.good()) {
      skip(report_, file_, std::generic_category().message(errno));
      return std::nullopt;
    }
    if (piece.first && piece.text.find('\0') != std::string::npos) {
      skip(report_, file_, "binary file");
      return std::nullopt;
    }
    if (!in_.eof()) in_comment_ = for_each_identifier(piece.text, in_comment_, [](auto) {});
    return piece;
  }

 private:
  Tally& report_;
  fs::path file_;
  std::ifstream in_;
  std::size_t block_ = 0;
  bool first_ = true;
  bool in_comment_ = false;
};

inline void count(const Piece& piece, Tally& tally) {
  tally.files += piece.first ? 1 : 0;
  tally.bytes += piece.text.size();
  for_each_identifier(piece.text, piece.in_comment, [&](std::string_view name) {
    tally.counts.add(name, 1, Counts::hash_of(name));
  });
}

}  // namespace identifiers
