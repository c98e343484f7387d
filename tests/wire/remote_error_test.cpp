// SPDX-License-Identifier: BSL-1.0

// Exceptions over the wire: what is known comes back as itself, everything else as RemoteError.

#include "cohort/wire/remote_error.hpp"

#include <gtest/gtest.h>

#include <any>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "cohort/os/origin.hpp"  // own_process_id

namespace named {
struct Custom : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct NoText {
  int x;
};
struct NullText : std::exception {
  const char* what() const noexcept override { return nullptr; }
};
/// Whoever copies it must be ready for anything.
struct ThrowsWhenCopied : std::exception {
  ThrowsWhenCopied() = default;
  ThrowsWhenCopied(const ThrowsWhenCopied&) { throw std::runtime_error("a copy"); }
  const char* what() const noexcept override { return "not to be copied"; }
};
}  // namespace named

namespace {

using cohort::CodecError;
using cohort::decode;
using cohort::encode;
using cohort::InArchive;
using cohort::OutArchive;
using cohort::RemoteError;

std::exception_ptr sent(const std::exception_ptr& error) {
  return decode<std::exception_ptr>(encode(error));
}

/// E(args…) comes back as E with the same text.
template <class E, class... Args>
void expect_itself(const Args&... args) {
  const E error(args...);
  try {
    std::rethrow_exception(sent(std::make_exception_ptr(error)));
  } catch (const std::exception& e) {
    EXPECT_EQ(typeid(e), typeid(E)) << typeid(e).name();
    EXPECT_STREQ(e.what(), error.what());
  }
}

// C181 C201
TEST(RemoteErrors, StandardExceptionsComeBackAsThemselves) {
  expect_itself<std::runtime_error>("text");
  expect_itself<std::logic_error>("");
  expect_itself<std::invalid_argument>("text");
  expect_itself<std::out_of_range>("text");
  expect_itself<std::length_error>("text");
  expect_itself<std::domain_error>("text");
  expect_itself<std::range_error>("text");
  expect_itself<std::overflow_error>("text");
  expect_itself<std::underflow_error>("text");
  expect_itself<std::exception>();
  expect_itself<std::bad_alloc>();
  expect_itself<std::bad_array_new_length>();
  expect_itself<std::bad_cast>();
  expect_itself<std::bad_typeid>();
  expect_itself<std::bad_exception>();
  expect_itself<std::bad_function_call>();
  expect_itself<std::bad_weak_ptr>();
  expect_itself<std::bad_optional_access>();
  expect_itself<std::bad_variant_access>();
}

TEST(RemoteErrors, ASystemErrorKeepsItsCodeItsCategoryAndItsText) {
  const auto code = std::make_error_code(std::errc::no_such_file_or_directory);
  const std::error_code other(4, std::system_category());
  expect_itself<std::system_error>(code, "open");
  expect_itself<std::system_error>(code);
  expect_itself<std::system_error>(code, "");
  expect_itself<std::system_error>(other, "read");
  for (const std::error_code& c : {code, other}) {
    try {
      std::rethrow_exception(sent(std::make_exception_ptr(std::system_error(c, "call"))));
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), c);
    }
  }
}

TEST(RemoteErrors, CohortsErrorsComeBackAsThemselves) {
  expect_itself<cohort::Error>("text");
  expect_itself<cohort::UsageError>("text");
  expect_itself<cohort::NotOwner>("text");
  expect_itself<cohort::OverRelease>("text");
  expect_itself<cohort::InvalidState>("text");
  expect_itself<cohort::Empty>();
  expect_itself<cohort::Full>();
  expect_itself<cohort::ShutDown>("text");
  expect_itself<cohort::Closed>("text");
  expect_itself<cohort::EndOfStream>("text");
  expect_itself<cohort::BrokenPipe>("text");
  expect_itself<cohort::BadMessage>("text");
  expect_itself<cohort::BufferTooShort>("text");
  expect_itself<cohort::AuthFailed>("text");
  expect_itself<cohort::TimedOut>();
  expect_itself<cohort::BrokenBarrier>("text");
  expect_itself<cohort::OwnerDied>("text");
  expect_itself<cohort::BrokenPool>("text");
  expect_itself<cohort::CodecError>("text");
  EXPECT_THROW(std::rethrow_exception(sent(std::make_exception_ptr(cohort::Cancelled()))),
               cohort::Cancelled);
  EXPECT_EQ(sent(nullptr), nullptr);
}

TEST(RemoteErrors, WorkerDiedAndRemoteErrorKeepAllTheyKnow) {
  for (const std::optional<int> code : {std::optional<int>(-9), std::optional<int>()}) {
    const cohort::WorkerDied died("worker 7 died", 7, code, "sum of 3");
    try {
      std::rethrow_exception(sent(std::make_exception_ptr(died)));
    } catch (const cohort::WorkerDied& e) {
      EXPECT_STREQ(e.what(), "worker 7 died");
      EXPECT_EQ(e.pid(), 7);
      EXPECT_EQ(e.exitcode(), code);
      EXPECT_EQ(e.task(), "sum of 3");
    }
  }
  const RemoteError remote("their::Type", "their text", 42);  // from a process further away
  try {
    std::rethrow_exception(sent(std::make_exception_ptr(remote)));
  } catch (const RemoteError& e) {
    EXPECT_STREQ(e.what(), "their text");
    EXPECT_EQ(e.type(), "their::Type");
    EXPECT_EQ(e.pid(), 42);
  }
}

/// What becomes of an exception that nobody here knows.
template <class E>
void expect_remote(const E& error, const std::string& type, const std::string& text) {
  std::exception_ptr thrown;
  try {
    throw error;
  } catch (...) {
    thrown = std::current_exception();
  }
  try {
    std::rethrow_exception(sent(thrown));
  } catch (const RemoteError& e) {
    EXPECT_EQ(e.type(), type);
    EXPECT_EQ(e.what(), text);
    EXPECT_EQ(e.pid(), cohort::os::own_process_id());
    return;
  } catch (...) {}
  ADD_FAILURE() << type << " came back as something else";
}

// C181 C201
TEST(RemoteErrors, EverythingElseComesBackAsRemoteErrorWithTypeAndText) {
  expect_remote(named::Custom("mine"), "named::Custom", "mine");
  expect_remote(named::NoText{1}, "named::NoText", "an exception that is no std::exception");
  expect_remote(named::NullText(), "named::NullText", "");
  expect_remote(42, "int", "an exception that is no std::exception");
  expect_remote("a literal", "char const*", "a literal");
  expect_remote(std::bad_any_cast(), "std::bad_any_cast", std::bad_any_cast().what());
}

TEST(RemoteErrors, AnExceptionOfAnUnknownCategoryOrAForeignKindIsRemote) {
  class Category : public std::error_category {
   public:
    const char* name() const noexcept override { return "mine"; }
    std::string message(int) const override { return "message"; }
  };
  static const Category category;
  EXPECT_THROW(std::rethrow_exception(sent(std::make_exception_ptr(
                   std::system_error(std::error_code(1, category), "call")))),
               RemoteError);
  EXPECT_THROW(std::rethrow_exception(sent(std::make_exception_ptr(
                   std::filesystem::filesystem_error("call", std::error_code())))),
               RemoteError);
  std::exception_ptr nested;
  try {
    try {
      throw 1;
    } catch (int) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  } catch (...) {
    nested = std::current_exception();
  }
  try {
    std::rethrow_exception(sent(nested));
  } catch (const RemoteError& e) {
    EXPECT_STREQ(e.what(), "outer");
  }
}

TEST(RemoteErrors, AnExceptionThatCannotBeCopiedTravels) {
  std::exception_ptr thrown;
  try {
    throw named::ThrowsWhenCopied();
  } catch (...) {
    thrown = std::current_exception();
  }
  try {
    std::rethrow_exception(sent(thrown));
  } catch (const RemoteError& e) {
    EXPECT_STREQ(e.what(), "not to be copied");
  }
}

TEST(RemoteErrors, ExceptionsTravelAsValuesToo) {
  static_assert(cohort::Serializable<std::exception_ptr>);
  static_assert(cohort::Serializable<std::runtime_error>);
  static_assert(!cohort::Serializable<named::Custom>);
  const auto pair = decode<std::pair<std::out_of_range, int>>(
      encode(std::pair<std::out_of_range, int>("index", 3)));
  EXPECT_STREQ(pair.first.what(), "index");
  const auto many = decode<std::vector<std::exception_ptr>>(
      encode(std::vector<std::exception_ptr>{nullptr, std::make_exception_ptr(cohort::Full())}));
  EXPECT_EQ(many.at(0), nullptr);
  EXPECT_THROW(std::rethrow_exception(many.at(1)), cohort::Full);
}

TEST(RemoteErrors, DamagedBytesAreACodecError) {
  std::vector<std::exception_ptr> all{
      nullptr, std::make_exception_ptr(std::runtime_error("text")),
      std::make_exception_ptr(std::system_error(std::error_code(2, std::generic_category()), "x")),
      std::make_exception_ptr(cohort::WorkerDied("w", 1, 2, "t")),
      std::make_exception_ptr(named::Custom("c"))};
  for (const auto& error : all) {
    const auto bytes = encode(error);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      EXPECT_THROW(decode<std::exception_ptr>(std::span(bytes).first(n)), CodecError);
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (int change = 1; change < 256; ++change) {
        auto damaged = bytes;
        damaged[i] ^= static_cast<std::byte>(change);
        try {
          static_cast<void>(decode<std::exception_ptr>(damaged));
        } catch (const CodecError&) {}
      }
    }
  }
}

}  // namespace
