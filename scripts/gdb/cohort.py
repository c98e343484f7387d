# SPDX-License-Identifier: BSL-1.0
"""Asynchronous stacks in gdb.

  (gdb) source scripts/gdb/cohort.py
  (gdb) cohort stack future        what the task behind a Future waits for, and who awaits whom
  (gdb) cohort stack handle        the same from a coroutine_handle, a coroutine's frame or its address
  (gdb) cohort stack               the coroutine that runs on this thread

A stack begins with who waits and ends with the task that was started. The lines are those where the
coroutines begin: compilers do not say where one is suspended. Needs a program compiled with -g.
"""
import re

import gdb

DETAIL = "cohort::v0::detail::"
# Where a completion keeps the way to its parent: in itself, in its join or race, or in its group.
WAYS_UP = ("parent_", "join_", "race_", "group_", "group")


def lookup(name):
    return gdb.lookup_type(DETAIL + name)


def pointee(value):
    """What a pointer or reference refers to, as what it really is."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_REF:
        value = value.referenced_value().address
    if int(value) == 0:
        return None
    return value.cast(value.dynamic_type).dereference()


def vtable_name(pointer):
    word = gdb.lookup_type("unsigned long").pointer()
    table = int(pointer.cast(word).dereference())
    return gdb.execute(f"info symbol {table}", to_string=True)


def fields_of(kind):
    """(name, field) of a class and its bases."""
    for field in kind.strip_typedefs().fields():
        if field.is_base_class:
            yield from fields_of(field.type)
        elif field.name:
            yield field.name, field


def has_field(value, name):
    kind = value.type.strip_typedefs()
    return kind.code == gdb.TYPE_CODE_STRUCT and any(name == n for n, _ in fields_of(kind))


def short(text):
    """A type or function without namespaces and template arguments."""
    text = re.sub(r"cohort::(v0::)?(detail::)?", "", text)
    while re.search(r"<[^<>]*>", text):
        text = re.sub(r"<[^<>]*>", "", text)
    return text


def inner(text):
    """X of A<X>."""
    return re.sub(r"^[^<]*<(.*)>$", r"\1", text).strip()


def function_name(symbol):
    """Of a symbol like `Task<int> f<X>(int) [clone .resume]`, or with g++'s frame as parameter: f()."""
    name = re.sub(r" \[clone [^\]]*\]| const$", "", symbol.strip()).removesuffix(" const")
    depth, start = 0, len(name)
    while name.endswith(")") and start > 0:
        start -= 1
        depth += {")": 1, "(": -1}.get(name[start], 0)
        if depth == 0:
            break
    return short(name[:start]).removeprefix("Task ").strip() + "()"


def load_atomic(value):
    """The word of a std::atomic, of either standard library."""
    for name in ("_M_i", "__a_", "__a_value"):
        if has_field(value, name):
            return load_atomic(value[name])
    return int(value)


class Frame:
    """A coroutine: its promise, and before that the two pointers every compiler puts there."""

    def __init__(self, coroutine):
        self.coroutine = coroutine  # a Coroutine
        self.address = int(coroutine.address) - 2 * lookup("Coroutine").pointer().sizeof

    @staticmethod
    def at(address):
        pointer = lookup("Coroutine").pointer()
        return Frame(gdb.Value(address + 2 * pointer.sizeof).cast(pointer).dereference())

    def describe(self):
        word = gdb.lookup_type("unsigned long")
        resume = int(gdb.Value(self.address).cast(word.pointer()).dereference())
        if resume == 0:
            return "a coroutine that has ended"
        symbol = gdb.execute(f"info symbol {resume}", to_string=True).split(" in section")[0]
        line = gdb.find_pc_line(resume)
        place = f"  {line.symtab.filename}:{line.line}" if line.symtab else ""
        return function_name(symbol) + place

    def parent(self):
        """(the coroutine that awaits this one or None, what is between them)"""
        pointer = self.coroutine["completion_"]
        if int(pointer) == 0:
            return None, "nobody"
        if "GroupAwaiter<" in vtable_name(pointer):
            # A template over a lambda, for which gdb has no name: the group is its first member.
            group = gdb.lookup_type("cohort::v0::TaskGroup")
            address = int(pointer) + pointer.dereference().type.sizeof
            at, between = gdb.Value(address).cast(group.pointer()).dereference(), "GroupAwaiter"
        else:
            at = pointee(pointer)
            between = short(at.type.name or "")
        for _ in range(3):
            for way in WAYS_UP:
                if not has_field(at, way):
                    continue
                up = pointee(at[way]) if at[way].type.strip_typedefs().code in (
                    gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF) else at[way]
                if up is None:
                    return None, between
                if way == "parent_":
                    return Frame(up.cast(lookup("Coroutine"))), between
                at = up
                break
            else:
                return None, between
        return None, between


BETWEEN = {
    "Leg": "a leg of when_all in",
    "TaskLeg": "a leg of when_any in",
    "TaskGroup::Children": "a child of task_group in",
    "GroupAwaiter": "the body of task_group in",
    "FutureState": "started by spawn or submit",
    "BasicStrandCore": "a turn of a strand",
}


def print_stack(frame, waits=""):
    number = 0
    while frame:
        print(f"#{number:<2} {frame.describe()}{waits}".rstrip())
        frame, between = frame.parent()
        waits = ""
        if between in BETWEEN:
            print(f"    -- {BETWEEN[between]}")
        elif not between.endswith("Awaiter"):
            print(f"    -- {between}")
        number += 1


def print_scope(scope):
    """Everything that stands in a stop scope's list: waits, and scopes of joins and groups below."""
    listing = 8  # StopScope::listing
    if not load_atomic(scope["word_"]) & listing:
        return 0
    count = 0
    hook = scope["head_"]
    while int(hook) != 0:
        really = pointee(hook)
        if short(really.type.name).endswith("StopScope"):
            count += print_scope(really)
        elif has_field(really, "coroutine_") or has_field(really, "parent_"):
            waits = "select"
            if has_field(really, "coroutine_"):
                spec = inner(really.type.strip_typedefs().name)  # of Awaiting<Spec>
                timed = "TimedSpec<" in spec.split("<")[0] + "<"
                waits = short(inner(spec)) + ", with a limit" if timed else short(spec)
            which = "coroutine_" if has_field(really, "coroutine_") else "parent_"
            coroutine = pointee(really[which]).cast(lookup("Coroutine"))
            print_stack(Frame(coroutine), f"  waits: {waits}")
            count += 1
        hook = hook.dereference()["next_"]
    return count


def running():
    context = gdb.parse_and_eval(f"'{DETAIL}this_context'")
    while int(context) != 0:
        for place in ("current", "plain"):
            if int(context[place]) != 0:
                return Frame(context[place].dereference())
        context = context["outer"]
    return None


def print_future(future):
    state = future["state_"]["state_"]
    if int(state) == 0:
        print("an empty Future")
        return
    base = state.dereference()
    status = load_atomic(base["status_"])
    if status == 0:
        print("pending: it has not begun")
    elif status == 2:
        print("done")
    elif print_scope(base["scope_"]) == 0:
        print("running: it waits for nothing that could be cancelled")


class Cohort(gdb.Command):
    """Commands for programs that use Cohort."""

    def __init__(self):
        super().__init__("cohort", gdb.COMMAND_STACK, prefix=True)


class Stack(gdb.Command):
    """cohort stack [FUTURE | COROUTINE]: who waits, and who awaits whom."""

    def __init__(self):
        super().__init__("cohort stack", gdb.COMMAND_STACK, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument:
            frame = running()
            if not frame:
                raise gdb.GdbError("no coroutine runs on this thread; give a Future or a coroutine")
            print_stack(frame)
            return
        value = gdb.parse_and_eval(argument)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_REF:
            value = value.referenced_value()
        kind = value.type.strip_typedefs()
        if has_field(value, "completion_"):
            print_stack(Frame(value.cast(lookup("Coroutine"))))
        elif has_field(value, "_M_fr_ptr"):
            print_stack(Frame.at(int(value["_M_fr_ptr"])))
        elif has_field(value, "state_"):
            print_future(value)
        elif kind.code == gdb.TYPE_CODE_PTR and has_field(value.dereference(), "completion_"):
            print_stack(Frame(value.dereference().cast(lookup("Coroutine"))))
        elif kind.code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT):
            print_stack(Frame.at(int(value)))
        else:
            raise gdb.GdbError(f"{kind} is neither a Future nor a coroutine")


Cohort()
Stack()
