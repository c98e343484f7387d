// SPDX-License-Identifier: BSL-1.0

// For libFuzzer: the first byte says what the others are decoded as: a value of some type, an
// exception, a call by a stranger. A CodecError is right, a value is right if it can be encoded
// again in as many bytes; all else is a crash. With COHORT_FUZZ=ON and clang:
//
//     build/.../decoder_fuzz -max_len=300 -max_total_time=60 found tests/fuzz/corpus/decoder
//
// Ordinary tests replay the corpus (replay.cpp).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/exec/run.hpp"          // run
#include "cohort/wire/remote_call.hpp"  // calls
#include "wire/samples.hpp"             // types of every kind

namespace {

using namespace cohort::test::wire;
using Bytes = std::span<const std::byte>;
using Decoder = void (*)(Bytes);

template <class T>
void decode_value(Bytes bytes) {
  try {
    const T value = cohort::decode<T>(bytes);
    const auto again = cohort::encode(value);
    if (again.size() != bytes.size()) std::abort();
    if (cohort::encoded_size(cohort::decode<T>(again)) != bytes.size()) std::abort();
  } catch (const cohort::CodecError&) {}
}

void decode_exception(Bytes bytes) {
  try {
    const auto error = cohort::decode<std::exception_ptr>(bytes);
    // what() ends at the first zero byte, so less may go back.
    if (cohort::encode(error).size() > bytes.size()) std::abort();
  } catch (const cohort::CodecError&) {}
}

class RunAtOnce final : public cohort::CallRunner {
  void run(cohort::Task<> work) override { cohort::run(std::move(work)); }
};
void answer(Bytes bytes) {
  cohort::InArchive in(bytes, {.depth = 20, .memory = 100000, .functions = false});
  cohort::OutArchive out;
  RunAtOnce runner;
  cohort::answer_call(in, out, runner);
  if (out.size() == 0) std::abort();
}
/// A call of fn with these bytes for the arguments.
template <class... Args, class Fn>
void answer_with(Fn fn, Bytes arguments) {
  cohort::OutArchive call;
  cohort::encode_call(call, fn, Args()...);
  call.truncate(call.size() - (cohort::encoded_size(Args()) + ...));
  call.write(arguments.data(), arguments.size());
  answer(call.bytes());
}
void answer_plain(Bytes bytes) {
  answer_with<std::string, Tree>([](std::string s, Tree t) { return std::pair(t, s); }, bytes);
}
void answer_later(Bytes bytes) {
  const auto later = [](std::vector<int> xs) -> cohort::Task<std::size_t> { co_return xs.size(); };
  answer_with<std::vector<int>>(later, bytes);
}
int add(int a, int b) { return a + b; }
void refuse_function(Bytes bytes) { answer_with<int, int>(&add, bytes); }

const std::vector<Decoder>& decoders() {
  static const std::vector<Decoder> all = [] {
    std::vector<Decoder> result{decode_exception, answer, answer_plain, answer_later,
                                refuse_function};
    for_each_sample([&result](const auto& value) {
      using T = std::remove_cvref_t<decltype(value)>;
      // Nobody can know which values are in the range of an enumeration without a fixed type.
      if constexpr (!std::is_same_v<T, Plain>) result.push_back(decode_value<T>);
    });
    return result;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& all = decoders();
  all[data[0] % all.size()](std::as_bytes(std::span(data + 1, size - 1)));
  return 0;
}
