"""The driver of a batch, as LLVM text: groups of lanes, each through all segments of the plan."""

from __future__ import annotations

SEGMENT = ("t0", "t1", "careful", "row", "held", "seed", "keep")
DRIVER_ARGUMENTS = (
    "ctx",
    "frame",
    "fresh",
    "bytes",
    "from",
    "to",
    "segments",
    "count",
    "copies",
    "copied",
    "out",
    "width",
)


def driver_text(lanes: int, *, plain: str) -> str:
    """Return `@drive`: run each group of lanes and copy chosen cells at kept steps.

    Cell c at kept step k goes to `out[k, c, lane]`.

    Args:
        lanes: Lanes of a group.
        plain: The function that runs steps which follow the rules; `slow` runs careful ones.
    """
    vector = f"<{lanes} x double>" if lanes > 1 else "double"
    arguments = ", ".join(f"i64 %{name}_" for name in DRIVER_ARGUMENTS)
    pointers = "\n".join(
        f"  %{name} = inttoptr i64 %{name}_ to ptr"
        for name in ("frame", "fresh", "segments", "copies", "out")
    )
    fields = "\n".join(
        f"  %s.{name} = getelementptr i64, ptr %segment, i64 {k}\n"
        f"  %{name} = load i64, ptr %s.{name}, align 8"
        for k, name in enumerate(SEGMENT)
    )
    call = "(i64 %ctx_, i64 %frame_, i64 %t0, i64 %t1, i64 %g, i64 %held, i64 %row, i64 %seed)"
    return f"""
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define i64 @drive({arguments}) {{
entry:
{pointers}
  br label %group
group:
  %g = phi i64 [%from_, %entry], [%g.next, %grouped]
  call void @llvm.memcpy.p0.p0.i64(ptr %frame, ptr %fresh, i64 %bytes_, i1 false)
  br label %segment.loop
segment.loop:
  %s = phi i64 [0, %group], [%s.next, %kept]
  %place = mul i64 %s, {len(SEGMENT)}
  %segment = getelementptr i64, ptr %segments, i64 %place
{fields}
  %is.careful = icmp ne i64 %careful, 0
  br i1 %is.careful, label %go.slow, label %go.fast
go.slow:
  %r1 = call i64 @slow{call}
  br label %ran
go.fast:
  %r2 = call i64 @{plain}{call}
  br label %ran
ran:
  %is.kept = icmp sge i64 %keep, 0
  br i1 %is.kept, label %copy, label %kept
copy:
  %c = phi i64 [0, %ran], [%c.next, %copy]
  %c.place = getelementptr i64, ptr %copies, i64 %c
  %c.offset = load i64, ptr %c.place, align 8
  %c.cell = getelementptr i8, ptr %frame, i64 %c.offset
  %value = load {vector}, ptr %c.cell, align 8
  %row.place = mul i64 %keep, %copied_
  %row.cell = add i64 %row.place, %c
  %row.start = mul i64 %row.cell, %width_
  %target = add i64 %row.start, %g
  %out.cell = getelementptr double, ptr %out, i64 %target
  store {vector} %value, ptr %out.cell, align 8
  %c.next = add i64 %c, 1
  %c.more = icmp slt i64 %c.next, %copied_
  br i1 %c.more, label %copy, label %kept
kept:
  %s.next = add i64 %s, 1
  %s.more = icmp slt i64 %s.next, %count_
  br i1 %s.more, label %segment.loop, label %grouped
grouped:
  %g.next = add i64 %g, {lanes}
  %g.more = icmp slt i64 %g.next, %to_
  br i1 %g.more, label %group, label %exit
exit:
  ret i64 0
}}
"""
