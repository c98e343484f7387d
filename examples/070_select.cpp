// SPDX-License-Identifier: BSL-1.0
//
// Select: waiting for several things at once.
//
// `select(a, b, ...)` takes operations and waits until one of them can be done. It does that one
// and no other: what was not chosen has taken nothing, no message is lost. The result is a variant
// whose index says which one it was.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <variant>

using namespace std::chrono_literals;
using cohort::Receiver;
using cohort::Sender;
using cohort::Task;

Task<> customer(Sender<std::string> orders, Sender<int> payments) {
  co_await orders.send("tea");
  co_await payments.send(3);
  co_await orders.send("cake");
  co_await payments.send(5);
}

Task<> clerk(Receiver<std::string> orders, Receiver<int> payments) {
  int served = 0;
  int money = 0;
  for (bool open = true; open;) {
    auto event = co_await cohort::select(orders.recv(), payments.recv());
    if (event.index() == 0) {
      const std::optional<std::string>& order = std::get<0>(event);
      open = order.has_value();  // empty: all customers have gone
      served += open ? 1 : 0;
    } else {
      money += std::get<1>(event).value_or(0);
    }
  }
  while (const auto payment = co_await payments.recv()) money += *payment;  // what was under way
  std::cout << "served: " << served << ", money: " << money << '\n';
}

Task<> day() {
  auto orders = cohort::channel<std::string>(1);
  auto payments = cohort::channel<int>(1);
  co_await cohort::when_all(customer(std::move(orders.tx), std::move(payments.tx)),
                            clerk(orders.rx, payments.rx));
}

// Any operations can stand in a select, for example an alarm clock.
Task<> impatient() {
  cohort::Event never;
  const auto first = co_await cohort::select(never.wait(), cohort::sleep_for(1ms));
  std::cout << (first.index() == 0 ? "the event\n" : "the alarm clock\n");
}

int main() {
  cohort::run(day());
  cohort::run(impatient());
}

// Output:
// served: 2, money: 8
// the alarm clock
