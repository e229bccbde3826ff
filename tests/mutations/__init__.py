"""Lines of the engine that were mended once, each with what it was without them and the test that is red then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGINE = "engine"


@dataclass(frozen=True)
class Mutation:
    """In `file`, where `text` stands once, `instead` is put in its place; `test` has to fail."""

    file: str
    text: str
    instead: str
    test: str


def _of(file: str, text: str, instead: str, test: str) -> Mutation:
    module, _, name = test.partition("::")
    return Mutation(file if "/" in file else f"{ENGINE}/{file}", text, instead, f"tests/{module}.py::test_{name}")


_BUDGET, _FAULT, _SETS = "engine/test_run_budget::", "engine/test_failure_isolation::", "engine/test_large_sets::"
_CLOCKS, _PERFORM = "engine/test_clocks_and_lanes::", "engine/test_perform::"
_SLOW = "engine/test_slow_lane::"
MUTATIONS = [
    # A run has a budget
    _of("executor.py", "is_over = time.monotonic() + (call_durations.expected(kind.lane) if position else 0) > ends",
        "is_over = False",
        _BUDGET + "run_outside_ends_within_its_budget_and_gives_the_rest_back"),
    _of("executor.py", "if time.monotonic() > ends:\n            lease.give_back(effects[start:])\n            return",
        "pass", _BUDGET + "run_inside_ends_within_its_budget_and_gives_the_rest_back"),
    _of("executor.py", "if time.monotonic() > ends:\n            lease.give_back(half, solo=True)",
        "if False:\n            pass", _BUDGET + "halves_that_are_not_begun_in_time_are_given_back"),
    _of("claim.py", "    limit = _what_fits(lane, limit)\n", "",
        _BUDGET + "claim_is_no_larger_than_what_one_run_has_time_for"),
    _of("executor.py", "_alone_or_failed([effect], error)", "_fail(kind, effect, error)",
        _BUDGET + "soft_time_limit_charges_no_effect_of_a_batch"),
    _of("executor.py", "claiming(external=external_slots.enter())", "claiming()",
        _BUDGET + "process_that_may_not_go_outside_leaves_it_to_others"),
    _of("executor.py", "if lock_wait:\n                ask(", "if False:\n                ask(",
        _BUDGET + "locked_row_keeps_nobody_else_waiting"),
    _of("sweeper.py", "cursor.rowcount > 0", "True",
        _BUDGET + "sweep_in_turn_runs_once_a_second_when_the_clock_jumps"),
    _of("engine/sql/missed_notifications.sql", "LIMIT %(alone_at_once)s", "LIMIT 100000",
        _BUDGET + "one_of_many_that_must_run_alone_is_claimed_at_a_time"),
    # Whose fault it is
    _of("executor.py", "if has_ended(session, error):  # the leases",
        "if 'OperationalError' in repr(error):  # the leases",
        _FAULT + "operational_error_of_a_row_is_that_rows_failure"),
    _of("executor.py", "elif _is_of_the_server(error):", "elif False:",
        _FAULT + "full_disk_is_nobodys_failure_and_is_not_tried_again_at_once"),
    _of("executor.py", "as_storable(outcome)", "outcome",
        _FAULT + "answer_that_cannot_be_kept_is_described_and_costs_nobody_anything"),
    _of("payload.py", "(TypeError, ValueError, RecursionError)", "(TypeError, ValueError)",
        _FAULT + "answer_that_cannot_be_kept_is_described_and_costs_nobody_anything"),
    _of("executor.py", "rule = replace(rule, patience=kind.patience)", "pass",
        _FAULT + "unavailable_remote_is_retried_for_a_day"),
    _of("lease.py", "if isinstance(error, RetryAfter) and error.after is not None:", "if False:",
        _FAULT + "far_side_is_asked_again_when_it_said_so"),
    _of("subjects.py", "in found if effect.id in ours}", "in found}",
        _FAULT + "holder_that_woke_up_sends_nothing_that_it_lost"),
    _of("sweeper.py", "if some_lost_calls:", "if False:",
        _FAULT + "death_in_a_call_that_is_not_repeated_is_told"),
    _of("operator_actions.py", "state__in=Effect.NEEDS_ATTENTION, lease_until=None)",
        "state__in=Effect.NEEDS_ATTENTION)",
        _FAULT + "call_under_way_cannot_be_made_a_second_time"),
    _of("operator_actions.py", "effect.state in Effect.NEEDS_ATTENTION and effect.lease_until is None",
        "effect.state in Effect.NEEDS_ATTENTION", _FAULT + "call_under_way_cannot_be_made_a_second_time"),
    _of("executor.py",
        "subject = reader.subject(effect)\n        if not kind.idempotent:\n            lease.mark_in_flight(effect)",
        "if not kind.idempotent:\n            lease.mark_in_flight(effect)\n        subject = reader.subject(effect)",
        _FAULT + "effect_that_was_not_sent_is_not_in_doubt"),
    _of("lease.py", "@atomic\ndef fail", "def fail", _FAULT + "death_its_line_and_its_alert_are_one_commit"),
    _of("subjects.py", "except UnknownMachine:", "except ZeroDivisionError:",
        _FAULT + "row_of_an_unknown_machine_fails_alone"),
    _of("executor.py", "had run out\", kind.name, effects[0].id)\n        lease.give_back(effects)",
        "had run out\", kind.name, effects[0].id)", _FAULT + "row_that_was_lost_from_a_batch_leaves_the_others_ready"),
    _of("executor.py", "in_a_session(lambda: lease.finish_sent(sent))", "lease.finish_sent(sent)",
        _FAULT + "outcomes_outlive_the_session"),
    # Sets, clocks, lanes
    _of("transitions.py", "in sorted(groups.items(), key=lambda item: item[0][0]):", "in groups.items():",
        _SETS + "steps_of_several_objects_are_taken_in_the_order_given"),
    _of("persist.py", "ORDER BY id FOR NO KEY UPDATE)", "ORDER BY id)",
        _SETS + "two_sets_in_opposite_orders_do_not_deadlock"),
    _of("persist.py", "CHUNK_ROWS = 500", "CHUNK_ROWS = 10**9",
        _SETS + "a_large_set_is_written_in_parts_and_is_one_all_the_same"),
    _of("engine/pipeline.py", "    if raw.pgconn.flush():\n", "    if False:\n",
        "engine/test_pipeline::statements_larger_than_a_socket_holds_travel_together"),
    _of("transitions.py", "deepcopy(before[name])", "before[name]",
        _PERFORM + "json_that_is_changed_in_place_is_written"),
    _of("transitions.py", "or (name in mutable and repr(before[name]) != repr(value))", "",
        _PERFORM + "in_json_one_is_not_true"),
    _of("transitions.py", "if asked != (first.machine, first.object_id, first.name, first.inputs):", "if False:",
        _PERFORM + "the_same_key_with_another_request_is_refused"),
    _of("engine/sql/holder_died.sql", "OR lease_until - {lease_length} > now() + interval '{lease}'", "",
        _CLOCKS + "a_lease_is_taken_back_although_the_clock_was_set_back"),
    _of("engine/sql/missed_notification.sql", "BETWEEN now() - %(unheard)s::interval AND now() + %(unheard)s::interval",
        "BETWEEN now() - %(unheard)s::interval AND 'infinity'",
        _CLOCKS + "a_lost_notification_is_made_up_for_although_the_clock_was_set_back"),
    _of("lease.py", ", paused_until__lte=Now() + timedelta(seconds=LONGEST_PAUSE)", "",
        _CLOCKS + "a_breaker_closes_although_the_clock_was_set_back"),
    _of("sweeper.py", "woken += wake(_PROMOTE_DUE_SHARES)", "pass",
        _CLOCKS + "a_crowd_of_timers_leaves_the_other_tenants_their_turn"),
    _of("sweeper.py", "        if some_unheard:\n            _move_to_their_lane(cursor)\n", "",
        _CLOCKS + "effects_of_a_lane_that_was_renamed_are_done"),
    _of("engine/sql/claimable.sql", "%(revisions)s::smallint[]))) IS TRUE", "%(revisions)s::smallint[])))",
        _CLOCKS + "effects_of_unknown_kinds_are_stepped_over_cheaply"),
    _of("workflows/retention.py", " AND slot < ({LAST_TICK})", "",
        "workflows/test_housekeeping::a_slot_longer_than_ticks_are_kept_is_not_done_again"),
    # What takes minutes
    _of("claim.py", "slow = not lanes or SLOW in lanes", "slow = True",
        _SLOW + "worker_of_other_lanes_begins_no_slow_effect"),
    _of("claim.py", "return 1 if lane == SLOW else claim_limit(lane, limit)", "return claim_limit(lane, limit)",
        _SLOW + "slow_effects_are_claimed_one_at_a_time_so_that_others_may_begin_the_next"),
    _of("executor.py", "if kind.lane == SLOW:", "if False:",
        _SLOW + "limits_of_a_session_are_those_of_the_slow_effect_in_it"),
    _of("lease.py", "WHEN '{SLOW}' THEN interval '{SLOW_LEASE.total_seconds():.0f} s'", "WHEN '' THEN interval '0 s'",
        _SLOW + "slow_effect_is_taken_back_when_its_session_is_gone_and_not_before"),
    _of("engine/worker/beat_schedule.py", ", **limits(queue)}", "}",
        "tasks/test_slow_worker::limits_of_its_child_follow_the_longest_of_its_kinds"),
]  # fmt: skip
