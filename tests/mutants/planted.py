"""Mistakes that somebody could make in good faith, each with the tests that must notice it; see `plant.py`.

A mistake is an old text, which its file holds exactly once, and a new one in its place. Where a change of the project
leaves nothing to plant it in, `test_planted.py` says so: give it its new place, or another one of the same kind.
"""

from typing import Final

from attrs import frozen


@frozen(kw_only=True)
class Planted:
    """One mistake: where it is made, the tests that fail because of it, and why it would matter."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str


PLANTED: Final = (
    Planted(
        name="trade ids are not compared",
        file="engine/tracking.py",
        old="        elif trade_id in order.fills:\n",
        new="        elif trade_id in {}:\n",
        tests=(
            "tests/engine/test_orders_rules.py::test_r4_a_trade_counts_once",
            "tests/engine/test_orders_rules.py::test_r4_one_id_with_other_fields_is_an_alarm_and_moves_nothing",
        ),
        why="an execution that the stream and a query both tell is booked twice",
    ),
    Planted(
        name="a busted trade is booked when it comes late",
        file="engine/tracking.py",
        old=("        if order.busted is not None and trade_id in order.busted:\n            return 0\n"),
        new="",
        tests=(
            "tests/engine/test_orders_rules.py::test_r21_a_bust_gives_back_what_was_booked",
            "tests/engine/test_orders_rules.py::test_r21_a_bust_may_come_before_its_trade",
        ),
        why="the venue took the trade back; its late copy would move the position",
    ),
    Planted(
        name="a bust is noted and not taken back",
        file="engine/tracking.py",
        old="        self.ledger.take_back(order, fill)\n",
        new="",
        tests=("tests/engine/test_orders_rules.py::test_r21_a_bust_gives_back_what_was_booked",),
        why="the position keeps a trade that the venue undid",
    ),
    Planted(
        name="a late fill leaves its order open",
        file="engine/tracking.py",
        old=("            if order.cum == order.lots:\n                self.finish(order, FILLED)\n"),
        new=("            if order.cum > order.lots:\n                self.finish(order, FILLED)\n"),
        tests=(
            "tests/engine/test_orders_rules.py::test_r5_complete_is_filled_whatever_was_in_flight",
            "tests/engine/test_orders_rules.py::test_r21_a_bust_gives_back_what_was_booked",
        ),
        why="a filled order goes on counting as working",
    ),
    Planted(
        name="the venue's fees are ignored",
        file="engine/intake.py",
        old="            self.core.books.state_fee(order, trade_id, fee)\n",
        new="            pass\n",
        tests=(
            "tests/engine/test_live.py::test_executions_told_before_their_order_is_named_are_heard_of_each_and_cost_what_the_venue_says",
        ),
        why="profit is overstated by every fee that the venue names",
    ),
    Planted(
        name="an execution worse than the limit goes unsaid",
        file="risk/floor.py",
        old='            self.alarm(order, False, "FILL_IMPLAUSIBLE", now)\n',
        new="            pass\n",
        tests=("tests/risk/test_scopes_kill.py::test_an_implausible_fill_rings",),
        why="a venue that breaks the limit price must be noticed",
    ),
    Planted(
        name="numbers pass through floats",
        file="adapters/decimals.py",
        old="    return Decimal(text)\n",
        new="    return Decimal(float(text))\n",
        tests=(
            "tests/adapters/tdx/test_mirror_rest.py::test_reference_data_reads_with_our_own_readers",
            "tests/adapters/tdx/test_tdx_orders.py::test_an_order_lives_from_its_acceptance_over_its_fills_to_its_end",
        ),
        why="0.1 becomes 0.1000000000000000055",
    ),
    Planted(
        name="a price off the grid is rounded onto it",
        file="engine/door.py",
        old="HAIR = 1e-7\n",
        new="HAIR = 0.5\n",
        tests=(
            "tests/strategies/test_intents.py::test_the_float_of_a_sum_is_taken_and_a_float_between_two_ticks_is_not",
        ),
        why="floats that are compared too kindly move orders to prices that nobody asked for",
    ),
    Planted(
        name="sizes are compared as floats",
        file="engine/tracking.py",
        old=("            if order.cum == order.lots:\n                self.finish(order, FILLED)\n"),
        new=("            if float(order.cum) == float(order.lots):\n                self.finish(order, FILLED)\n"),
        tests=("tests/engine/test_orders_exact.py",),
        why="beyond 2**53 lots two sizes are one float",
    ),
    Planted(
        name="an order without an answer counts as failed",
        file="engine/answers.py",
        old="        self.tracker.doubt(order, ACK_LATE)\n",
        new="        self.tracker.finish(order, FAILED)\n",
        tests=(
            "tests/engine/test_orders_rules.py::test_r16_waits_end_in_doubt_never_in_an_end",
            "tests/engine/test_orders_rules.py::test_r17_a_cut_link_outweighs_a_lost_answer",
        ),
        why="a time-out is no answer: the order may be live, and the next one doubles it",
    ),
    Planted(
        name="doubt resets the worst case",
        file="engine/order.py",
        old=("        most = self.lots\n        if self.replace_lots > most:\n"),
        new=(
            "        if self.cause_code:\n"
            "            return 0\n"
            "        most = self.lots\n"
            "        if self.replace_lots > most:\n"
        ),
        tests=("tests/engine/test_orders_rules.py::test_r16_waits_end_in_doubt_never_in_an_end",),
        why="orders in doubt may execute and would be free for every limit",
    ),
    Planted(
        name="a replace does not count until answered",
        file="engine/order.py",
        old=("        if self.replace_lots > most:\n            most = self.replace_lots\n"),
        new="",
        tests=(
            "tests/engine/test_orders_rules.py::test_r5_with_an_increase_outstanding_the_old_size_is_not_the_end",
            "tests/engine/test_orders_rules.py::test_r16_waits_end_in_doubt_never_in_an_end",
        ),
        why="the venue may have taken the greater size already",
    ),
    Planted(
        name="sent twice",
        file="engine/orders.py",
        old=("        if order.state_code == PENDING_SEND:\n            order.sent = True\n"),
        new=("        if order.state_code <= PENDING_NEW:\n            order.sent = True\n"),
        tests=("tests/engine/test_orders_rules.py::test_r2_an_order_is_sent_once",),
        why="an order is sent once in its life",
    ),
    Planted(
        name="the last gate lets an order leave again",
        file="engine/remote.py",
        old="            if name in self.left:\n",
        new="            if name in {}:\n",
        tests=("tests/engine/test_live.py::test_an_order_leaves_after_its_records_and_once",),
        why="the last chance to stop a second send of one order",
    ),
    Planted(
        name="an order is sent again when its answer is late",
        file="engine/core.py",
        old="                self.tell(order, self.orders.timeout(order, now))\n",
        new=(
            "                self.tell(order, self.orders.timeout(order, now))\n"
            "                if order.state_code == UNKNOWN:\n"
            "                    self.venues[self.markets[order.market].venue_index].submit(order, now)\n"
        ),
        tests=(
            "tests/engine/test_live.py::test_a_lost_ack_is_asked_for_and_the_order_is_not_sent_again",
            "tests/engine/test_live.py::test_answers_that_fail_prove_nothing",
        ),
        why="the classic way to trade twice",
    ),
    Planted(
        name="what was not written is queued again",
        file="adapters/session.py",
        old=("                    for frame in frames:\n                        self._fail(owner, frame, reason)\n"),
        new=(
            "                    for frame in frames:\n"
            "                        self._outbox.put(frame, trio.current_time())\n"
        ),
        tests=(
            "tests/adapters/test_session_writing.py::test_a_write_that_is_cut_puts_all_of_its_frames_in_doubt_and_none_after_it",
        ),
        why="half a frame may have arrived: written again it is a second order",
    ),
    Planted(
        name="a lost link leaves orders certain",
        file="engine/answers.py",
        old=(
            "        if had != LINK_LOST and had != RESTARTED and order.ending_code == 0:\n"
            "            tracker.doubt(order, cause)\n"
        ),
        new="",
        tests=(
            "tests/engine/test_orders_rules.py::test_r17_a_cut_link_puts_what_was_sent_in_doubt",
            "tests/engine/test_orders_rules.py::test_r17_a_cut_link_outweighs_a_lost_answer",
        ),
        why="what happened while nobody listened is not known",
    ),
    Planted(
        name="a contradiction is talked away",
        file="engine/tracking.py",
        old=("        elif had == CONTRADICTION or ((had in (LINK_LOST, RESTARTED)) and cause != CONTRADICTION):\n"),
        new="        elif (had in (LINK_LOST, RESTARTED)) and cause != CONTRADICTION:\n",
        tests=("tests/engine/test_orders_sequences.py::test_every_sequence_of_events_keeps_the_books",),
        why="only reconciliation settles what cannot be",
    ),
    Planted(
        name="an unsent order is in doubt after a crash",
        file="engine/answers.py",
        old=(
            "        if state == PENDING_SEND:\n"
            "            order.local = True\n"
            "            tracker.finish(order, FAILED)\n"
        ),
        new=(
            "        if state == PENDING_CANCEL:\n"
            "            order.local = True\n"
            "            tracker.finish(order, FAILED)\n"
        ),
        tests=(
            "tests/engine/test_orders_rules.py::test_r3_what_was_never_started_never_was",
            "tests/engine/test_orders_rules.py::test_r17_a_cut_link_puts_what_was_sent_in_doubt",
        ),
        why="no record of sending means that no byte left: it has failed",
    ),
    Planted(
        name="a cancel that timed out is forgotten",
        file="engine/answers.py",
        old=(
            "        order.cancel_outstanding = False\n"
            "        order.cancel_wanted = True\n"
            "        if order.state_code == PENDING_CANCEL:\n"
        ),
        new=("        order.cancel_outstanding = False\n        if order.state_code == PENDING_CANCEL:\n"),
        tests=("tests/engine/test_orders_rules.py::test_r16_waits_end_in_doubt_never_in_an_end",),
        why="the order stays at the venue although its end is wanted",
    ),
    Planted(
        name="a cancel refused for now is not tried again",
        file="engine/answers.py",
        old="                marks |= RETRY_CANCEL\n",
        new="                pass\n",
        tests=("tests/engine/test_orders_rules.py::test_r12_a_busy_venue_is_asked_again",),
        why="the venue was busy, and the order stays",
    ),
    Planted(
        name="an old answer counts for a new request",
        file="engine/answers.py",
        old=(
            "        if request_id >= 0 and request_id != order.cancel_id:\n"
            "            return STALE_REPLY\n"
            "        if state >= FILLED:\n"
            "            return QUERY"
        ),
        new=("        if state >= FILLED:\n            return QUERY"),
        tests=("tests/engine/test_orders_rules.py::test_r20_an_old_answer_changes_nothing",),
        why="the answer to the first cancel would end the wait for the second",
    ),
    Planted(
        name="an end does not wait for its fills",
        file="engine/orders.py",
        old=(
            "            if stated_cum > order.cum:\n"
            "                marks |= self.await_fills(order, label, stated_cum, ts)\n"
            "            else:\n"
        ),
        new=(
            "            if stated_cum < 0:\n"
            "                marks |= self.await_fills(order, label, stated_cum, ts)\n"
            "            else:\n"
        ),
        tests=(
            "tests/engine/test_orders_rules.py::test_r8_late_fills_move_money",
            "tests/engine/test_orders_rules.py::test_r9_a_cancel_with_more_executed_waits_for_the_fills",
        ),
        why="a cancelled order whose last fills are under way frees room too soon",
    ),
    Planted(
        name="a too-late cancel ends the order",
        file="engine/answers.py",
        old=(
            "            marks |= self.too_late(order, stated_cum, ts)\n"
            "        elif kind == UNKNOWN_ORDER:\n"
            "            order.cancel_wanted"
        ),
        new=(
            "            tracker.finish(order, CANCELED)\n"
            "        elif kind == UNKNOWN_ORDER:\n"
            "            order.cancel_wanted"
        ),
        tests=(
            "tests/engine/test_orders_rules.py::test_r2_an_order_is_sent_once",
            "tests/engine/test_orders_rules.py::test_r5_complete_is_filled_whatever_was_in_flight",
        ),
        why="too late mostly means executed: its fills are still to come",
    ),
    Planted(
        name="one answer proves absence",
        file="engine/reconcile.py",
        old="        return self.scanned and self.answers >= 3\n",
        new="        return self.scanned and self.answers >= 1\n",
        tests=("tests/engine/test_orders_rules.py::test_r22_absence_takes_three_answers_and_a_look_at_the_trades",),
        why="a list that is behind for a moment loses live orders",
    ),
    Planted(
        name="absence is believed without the trades",
        file="engine/reconcile.py",
        old="        return self.scanned and self.answers >= 3\n",
        new="        return self.answers >= 3\n",
        tests=("tests/engine/test_orders_rules.py::test_r22_absence_takes_three_answers_and_a_look_at_the_trades",),
        why="an order that was filled and dropped from the list is given up with its position",
    ),
    Planted(
        name="fresh news is overruled by an old answer",
        file="engine/reconcile.py",
        old="        return asked_ts - order.heard_ts < self.manager.timeouts.grace\n",
        new="        return False\n",
        tests=(
            "tests/engine/test_orders_rules.py::test_r22_an_answer_asked_for_too_soon_says_nothing",
            "tests/engine/test_orders_rules.py::test_r26_an_answer_applied_twice_is_applied_once",
        ),
        why="answers are older than what the stream has told since",
    ),
    Planted(
        name="an error is taken for not found",
        file="engine/asker.py",
        old=("        except (QueryFailed, trio.TooSlowError):\n            return\n"),
        new=("        except (QueryFailed, trio.TooSlowError):\n            facts, trades = None, ()\n"),
        tests=("tests/engine/test_live.py::test_answers_that_fail_prove_nothing",),
        why="a venue that does not answer has not lost our orders",
    ),
    Planted(
        name="no list is taken for an empty one",
        file="engine/asker.py",
        old=(
            "                live = await self.wire.open_orders()\n"
            "        except (QueryFailed, trio.TooSlowError):\n"
            "            return False\n"
        ),
        new=(
            "                live = await self.wire.open_orders()\n"
            "        except (QueryFailed, trio.TooSlowError):\n"
            "            return True\n"
        ),
        tests=("tests/engine/test_live_promises.py",),
        why="the end of a run would be called clean with orders left",
    ),
    Planted(
        name="the venue's 404 covers every failure",
        file="adapters/tdx/queries.py",
        old=("            if answer.status == 404:\n                return None\n"),
        new=("            if not answer.ok:\n                return None\n"),
        tests=("tests/adapters/tdx/test_tdx_venue.py::test_no_answer_is_never_an_empty_answer",),
        why="an error of the server is no proof that an order is not there",
    ),
    Planted(
        name="a holding that differs is let be",
        file="engine/sweep.py",
        old=("                self.mismatched[asset] = gap\n                found.append(asset)\n"),
        new="                self.mismatched[asset] = gap\n",
        tests=("tests/engine/test_live.py::test_holdings_that_our_fills_do_not_explain_close_the_instrument",),
        why="trading goes on upon a position that is not ours",
    ),
    Planted(
        name="orders of our own name are adopted in silence",
        file="engine/strangers.py",
        old="            self.locked = True\n",
        new="            pass\n",
        tests=("tests/engine/test_orders_strangers.py::test_x5_our_own_prefix_from_elsewhere_stops_everything",),
        why="a second process, or a lost journal: nothing new may leave",
    ),
    Planted(
        name="an inferred fill has another name each time",
        file="engine/inferring.py",
        old='{order.venue_order_id}:{had}-{cum}"',
        new='{order.venue_order_id}:{had}-{cum}@{ts}"',
        tests=(
            "tests/engine/test_orders_strangers.py::test_i2_the_name_and_price_of_an_inferred_fill",
            "tests/engine/test_orders_strangers.py::test_i3b_or_several_do",
        ),
        why="reconciling again after a restart must find the same fill",
    ),
    Planted(
        name="the real trade comes on top of the inferred one",
        file="engine/inferring.py",
        old="        taken = lots if lots < belongs else belongs\n",
        new="        taken = 0\n",
        tests=(
            "tests/engine/test_orders_strangers.py::test_i3a_the_real_trade_takes_the_inferred_ones_place",
            "tests/engine/test_orders_strangers.py::test_i3b_or_several_do",
        ),
        why="the position would count the same execution twice",
    ),
    Planted(
        name="commands leave before the records",
        file="engine/live.py",
        old=("        core = self.core\n        self.journal.commit()\n        dead = self.journal.dead\n"),
        new=(
            "        core = self.core\n"
            "        for port in self.ports:\n"
            "            if port.remote is not None:\n"
            "                port.remote.release(True)\n"
            "        self.journal.commit()\n"
            "        dead = self.journal.dead\n"
        ),
        tests=("tests/engine/test_live_promises.py",),
        why="the commit of intent and start of sending comes before the first byte",
    ),
    Planted(
        name="orders leave without a journal",
        file="engine/remote.py",
        old="        for order in orders if recorded else ():\n",
        new="        for order in orders:\n",
        tests=("tests/engine/test_live_promises.py",),
        why="an order that is on no record is lost by the next crash",
    ),
    Planted(
        name="a write that failed is not the end",
        file="engine/journal.py",
        old=('            self._die(f"{type(error).__name__}: {error}")\n            return\n        self.lag_ns'),
        new=("            return\n        self.lag_ns"),
        tests=(
            "tests/engine/test_journal_disk.py::test_a_full_disk_kills_the_journal_and_what_was_committed_stays",
            "tests/engine/test_journal_disk.py::test_a_write_that_failed_is_not_tried_again",
        ),
        why="after a failed sync nobody knows what the disk holds",
    ),
    Planted(
        name="a slow disk goes unsaid",
        file="engine/journal.py",
        old="        late = self.lag_ns > LATE_NS\n",
        new="        late = False\n",
        tests=("tests/engine/test_journal_disk.py::test_a_slow_write_makes_the_journal_late_until_a_fast_one",),
        why="the gate stops on a journal that is late",
    ),
    Planted(
        name="full durability without a sync",
        file="engine/journal_layout.py",
        old='"power": "FULL"}',
        new='"power": "NORMAL"}',
        tests=("tests/engine/test_journal_disk.py::test_a_commit_is_synced_where_it_must_outlive_the_power",),
        why="a commit that is not synced is lost with the machine's power",
    ),
    Planted(
        name="the head is written before the records",
        file="engine/journal.py",
        old=("        connection = self.connection\n        try:\n            if len(pending)"),
        new=(
            "        connection = self.connection\n"
            "        try:\n"
            "            self.folder.write_head(Head(seq, hash))\n"
            "            if len(pending)"
        ),
        tests=(
            "tests/engine/test_journal_disk.py::test_a_full_disk_kills_the_journal_and_what_was_committed_stays",
            "tests/engine/test_journal_disk.py::test_a_write_that_failed_is_not_tried_again",
        ),
        why="a crash between the two makes a good journal look cut off",
    ),
    Planted(
        name="the hash does not cover what a record says",
        file="engine/chain.py",
        old='b"%b%d %d %b %b" % (before, seq, ts, kind.encode(), body)',
        new='b"%b%d %d %b" % (before, seq, ts, kind.encode())',
        tests=(
            "tests/engine/test_journal_damage.py::test_a_turned_bit_changes_nothing_or_is_found",
            "tests/engine/test_journal_damage.py::test_what_was_changed_is_named",
        ),
        why="a changed record would pass for the one that was written",
    ),
    Planted(
        name="a journal may end before its head",
        file="engine/journal_reading.py",
        old="    if seq < least or (origin.seq and seq == origin.seq):\n",
        new="    if origin.seq and seq == origin.seq:\n",
        tests=("tests/engine/test_journal.py::test_a_journal_proves_itself_to_a_reader",),
        why="a tail that was cut off took sent orders with it",
    ),
    Planted(
        name="order numbers are not reserved",
        file="engine/journal.py",
        old='        self.next_order_number = known.counters.get("order", 0) + 1\n',
        new="        self.next_order_number = 1\n",
        tests=("tests/engine/test_journal.py::test_an_order_number_is_never_used_twice",),
        why="a name that was used before a crash would be used again",
    ),
    Planted(
        name="two processes share a journal",
        file="engine/journal_folder.py",
        old="            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        new="            fcntl.flock(self.lock, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
        tests=("tests/engine/test_journal_disk.py::test_a_second_process_is_refused_at_once_and_the_first_goes_on",),
        why="two runs with one account and one set of names",
    ),
    Planted(
        name="recall forgets what was taken back",
        file="engine/recall.py",
        old='            past.fills.pop(said["trade_id"], None)\n',
        new="            pass\n",
        tests=("tests/engine/test_recall.py::test_a_run_that_dies_is_known_to_the_next",),
        why="after a restart the busted trade is back",
    ),
    Planted(
        name="working orders are left out of the position limit",
        file="risk/screen.py",
        old="            reach = reach + position + account.buy_lots\n",
        new="            reach = reach + position\n",
        tests=(
            "tests/risk/test_controls_table.py::test_a_control_at_its_limit_and_one_step_to_each_side",
            "tests/risk/test_controls_table.py::test_the_docs_hold_the_table_and_real_denials",
        ),
        why="Knight's limits were filled positions only",
    ),
    Planted(
        name="the position limit is off by one",
        file="risk/screen.py",
        old="reach > rules.max_position or",
        new="reach > rules.max_position + 1 or",
        tests=(
            "tests/risk/test_controls_table.py::test_a_control_at_its_limit_and_one_step_to_each_side",
            "tests/risk/test_controls_table.py::test_the_docs_hold_the_table_and_real_denials",
        ),
        why="a limit of 10 lets 11 pass",
    ),
    Planted(
        name="one order too many may be in doubt",
        file="risk/screen.py",
        old="        if unknown > rules.max_unknown:\n",
        new="        if unknown > rules.max_unknown + 1:\n",
        tests=(
            "tests/risk/test_controls_table.py::test_a_control_at_its_limit_and_one_step_to_each_side",
            "tests/risk/test_controls_table.py::test_the_docs_hold_the_table_and_real_denials",
        ),
        why="a limit is a limit",
    ),
    Planted(
        name="denials are counted off by one",
        file="engine/traffic.py",
        old="        if desk.denied == DENIED_MAX:\n",
        new="        if desk.denied == DENIED_MAX + 1:\n",
        tests=("tests/engine/test_live_promises.py::test_a_strategy_is_disabled_at_the_promised_number_of_denials",),
        why="a strategy out of control is stopped at the number that is promised",
    ),
    Planted(
        name="orders may pass before reconciliation",
        file="risk/screen.py",
        old="flags != 7 or",
        new="flags & 5 != 5 or",
        tests=("tests/risk/test_controls_states.py::test_the_venue_must_be_up_and_reconciled_and_the_journal_written",),
        why="what is unknown from before the break would be traded upon",
    ),
    Planted(
        name="orders are priced by a book that is not live",
        file="risk/screen.py",
        old="        if book.health_code != LIVE or age > rules.data_age:\n",
        new="        if age > rules.data_age:\n",
        tests=("tests/risk/test_controls_states.py::test_prices_need_a_reference_and_a_live_book",),
        why="a crossed or gapped book says nothing",
    ),
    Planted(
        name="cancels have no reserve",
        file="risk/screen.py",
        old=("            if level - bucket.reserve < least:\n                least = level - bucket.reserve\n"),
        new=("            if level < least:\n                least = level\n"),
        tests=("tests/risk/test_gate_agreement.py::test_the_fast_way_passes_exactly_where_nothing_stands_against",),
        why="new orders would use up the messages that cancels need",
    ),
    Planted(
        name="the order rate is never used up",
        file="risk/gate.py",
        old=("        for bucket in rules.buckets:\n            bucket.take()\n"),
        new="",
        tests=(
            "tests/risk/test_controls_table.py::test_a_control_at_its_limit_and_one_step_to_each_side",
            "tests/risk/test_controls_table.py::test_the_docs_hold_the_table_and_real_denials",
        ),
        why="ten thousand orders in a second",
    ),
    Planted(
        name="the collar guards one side",
        file="risk/screen.py",
        old="far = 2 * ticks - reference if order.side_code > 0 else reference - 2 * ticks\n",
        new="far = 2 * ticks - reference\n",
        tests=(
            "tests/risk/test_controls_table.py::test_a_control_at_its_limit_and_one_step_to_each_side",
            "tests/risk/test_controls_table.py::test_the_docs_hold_the_table_and_real_denials",
        ),
        why="a sale far below the market passes",
    ),
    Planted(
        name="a limit that cannot be valued passes",
        file="risk/scales.py",
        old=(
            "                    self.found.append(Finding(control, code, False, None, "
            "Decimal(slot.stated[key]), slot.label, shown))\n"
        ),
        new="",
        tests=("tests/risk/test_scopes_kill.py::test_a_sum_that_cannot_be_valued_is_over_its_limit",),
        why="without a price nobody knows what the order is worth",
    ),
    Planted(
        name="a contradiction closes nothing",
        file="risk/floor.py",
        old='        self.states["instrument", instrument] = wanted\n',
        new="",
        tests=("tests/risk/test_scopes_kill.py::test_alarms_reduce_the_instrument_or_stop_everything",),
        why="after a contradiction only what reduces may pass",
    ),
    Planted(
        name="a loss is weighed and nothing is latched",
        file="risk/floor.py",
        old=("                    self.kill.kill(level, name, reason=text, by=loss.code, now=now, reducing=True)\n"),
        new="                    pass\n",
        tests=(
            "tests/risk/test_scopes_kill.py::test_a_loss_latches_and_leaves_the_way_out_open",
            "tests/risk/test_scopes_kill.py::test_a_strategys_loss_stops_that_strategy_alone",
        ),
        why="limits that are shown and not enforced",
    ),
    Planted(
        name="a kill is not journaled",
        file="risk/kill.py",
        old=("        self.raised.append(latch)\n        self._save()\n"),
        new="        self.raised.append(latch)\n",
        tests=("tests/risk/test_scopes_kill.py::test_a_latch_survives_a_restart",),
        why="after a restart the latch would be gone",
    ),
    Planted(
        name="a kill waits for the next look",
        file="risk/kill.py",
        old=("        self.latches[level, name] = latch\n        self._changed()\n"),
        new="        self.latches[level, name] = latch\n",
        tests=(
            "tests/risk/test_scopes_kill.py::test_only_the_increasing_part_of_a_replace_adds_exposure",
            "tests/risk/test_scopes_kill.py::test_cancels_skip_everything_but_the_message_budget_and_its_reserve_is_theirs",
        ),
        why="from the call on nothing covered may pass",
    ),
    Planted(
        name="anybody may re-arm",
        file="risk/kill.py",
        old="        if not operator.strip() or not reason.strip():\n",
        new="        if False:\n",
        tests=("tests/risk/test_scopes_kill.py::test_a_kill_at_every_level_holds_until_an_operator_rearms_it",),
        why="taking a latch away needs a name and a reason",
    ),
    Planted(
        name="a kill leaves doubtful orders alone",
        file="engine/traffic.py",
        old=(
            "                if latch.covers(order.strategy, order.instrument.id, order.instrument.venue):\n"
            "                    self.cancel(order)\n"
        ),
        new=(
            "                if order.cause_code == 0 and latch.covers(order.strategy, order.instrument.id, "
            "order.instrument.venue):\n"
            "                    self.cancel(order)\n"
        ),
        tests=("tests/engine/test_live_promises.py::test_a_kill_cancels_what_is_in_doubt_too",),
        why="an order in doubt may be live",
    ),
    Planted(
        name="cancels wait for new orders",
        file="adapters/outbox.py",
        old=("        if self._cancels:\n            return self._cancels\n        first, second"),
        new="        first, second",
        tests=(
            "tests/adapters/test_outbox.py::test_two_hundred_cancels_leave_at_once_and_orders_wait_the_longer_for_it",
            "tests/adapters/test_outbox.py::test_a_cancel_does_not_overtake_the_order_that_it_cancels",
        ),
        why="with the budget used up by orders a cancel must leave within a second",
    ),
    Planted(
        name="stale orders leave",
        file="adapters/outbox.py",
        old=("        while self._orders and at - self._queued.get(self._orders[0].client_order_id, at) > STALE_S:\n"),
        new="        while False:\n",
        tests=("tests/adapters/test_outbox.py::test_a_new_order_that_waited_too_long_does_not_leave",),
        why="an order that was looked for, not found and given up would come to life",
    ),
    Planted(
        name="frames vanish with their link",
        file="adapters/session.py",
        old=(
            "                    for frame in self._outbox.clear():\n"
            '                        self._fail(owner, frame, f"{reason}; nothing was written")\n'
        ),
        new="                    self._outbox.clear()\n",
        tests=(
            "tests/adapters/test_session_writing.py::test_a_write_that_is_cut_puts_all_of_its_frames_in_doubt_and_none_after_it",
        ),
        why="an order that nobody hears of again would wait for ever",
    ),
    Planted(
        name="a gap in the book is let pass",
        file="adapters/tdx/sequence.py",
        old="        if message.first > self.last + 1:\n",
        new="        if message.first > self.last + 10:\n",
        tests=(
            "tests/adapters/tdx/test_tdx_link.py::test_a_gap_loses_the_book_at_once_and_reads_it_anew_once",
            "tests/adapters/tdx/test_tdx_link.py::test_gaps_may_only_be_told_and_books_without_upper_bounds_may_be_changes",
        ),
        why="a book that lost a message is wrong from then on",
    ),
    Planted(
        name="old changes are applied to a new book",
        file="adapters/tdx/sequence.py",
        old="        if upper <= self.last:\n",
        new="        if upper < self.last - 10:\n",
        tests=(
            "tests/adapters/tdx/test_tdx_link.py::test_updates_in_sequence_change_the_book_and_repeats_do_not",
            "tests/adapters/tdx/test_tdx_link.py::test_the_sequence_rules_equal_a_slow_model",
        ),
        why="changes that the snapshot already has would undo later ones",
    ),
    Planted(
        name="a crossed book stays valid",
        file="engine/book.py",
        old="            self.health_code = CROSSED\n",
        new="            self.health_code = LIVE\n",
        tests=("tests/engine/test_book.py::test_health_follows_the_levels",),
        why="no price of a crossed book can be traded upon",
    ),
    Planted(
        name="a lost book is said to live",
        file="adapters/powertrade/books.py",
        old="        return [BookLost(instrument=feed.instrument.id, health=health, reason=reason, ts=at)]\n",
        new="        return []\n",
        tests=(
            "tests/adapters/powertrade/test_pt_books.py::test_a_contradiction_loses_the_book_until_a_new_connection",
        ),
        why="strategies would quote around prices that are gone",
    ),
    Planted(
        name="a snapshot keeps what it does not name",
        file="engine/intake.py",
        old="    return [*gone, *levels]\n",
        new="    return [*levels]\n",
        tests=("tests/engine/test_live_promises.py::test_a_whole_book_takes_away_the_levels_that_it_does_not_name",),
        why="levels that are gone would stay in the book for ever",
    ),
    Planted(
        name="duplicate keys are accepted",
        file="adapters/strict.py",
        old="    if len(found) != len(pairs):\n",
        new="    if len(found) > len(pairs):\n",
        tests=("tests/adapters/tdx/test_tdx_hostile.py::test_an_order_or_a_fill_that_says_a_key_twice_is_refused",),
        why="which of two quantities counts would depend on the parser",
    ),
    Planted(
        name="depth is not bounded",
        file="adapters/strict.py",
        old="        if depth > DEPTH_MAX:\n",
        new="        if depth > 1 << 30:\n",
        tests=("tests/adapters/tdx/test_tdx_hostile.py::test_size_and_depth_are_bounded_before_anything_is_parsed",),
        why="a frame of brackets ends the process",
    ),
    Planted(
        name="an older state replaces a newer",
        file="adapters/tdx/requests.py",
        old=("        if (told.updated_ts or order.updated_ts, executed) < (order.updated_ts, order.stated_lots):\n"),
        new="        if told.updated_ts < 0:\n",
        tests=(
            "tests/adapters/tdx/test_tdx_orders.py::test_an_order_lives_from_its_acceptance_over_its_fills_to_its_end",
        ),
        why="messages that overtake each other would bring an order back",
    ),
    Planted(
        name="a refusal in doubt counts as a reject",
        file="adapters/tdx/requests.py",
        old="        if told.code >= 500 or told.code == 408 or told.status in _DOUBTFUL:\n",
        new="        if told.code > 599:\n",
        tests=("tests/adapters/tdx/test_tdx_orders.py::test_refusals_reach_their_request",),
        why="an error of the server does not say that the order was not taken",
    ),
    Planted(
        name="a duplicate id ends the first order",
        file="adapters/powertrade/requests.py",
        old="        duplicate = _DUPLICATE in reason.lower()\n",
        new="        duplicate = False\n",
        tests=("tests/adapters/powertrade/test_pt_orders.py::test_rejections_and_duplicates",),
        why="the refusal of the second says nothing of the first",
    ),
    Planted(
        name="an unclear refusal counts as a reject",
        file="adapters/powertrade/requests.py",
        old=("        if told.code in _REFUSED or not_logged_in(told):\n            return self._reject"),
        new=("        if told.code:\n            return self._reject"),
        tests=("tests/adapters/powertrade/test_pt_orders.py::test_a_plain_refusal_is_found_by_its_tag",),
        why="after an error inside the venue the order may be live",
    ),
    Planted(
        name="certificates are not checked",
        file="adapters/address.py",
        old="    strict = context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname\n",
        new="    strict = True\n",
        tests=("tests/adapters/test_session.py::test_a_context_that_verifies_less_is_refused",),
        why="anybody on the way could take the orders",
    ),
    Planted(
        name="the name of the server is not checked",
        file="adapters/address.py",
        old=("    if context is None:\n        context = ssl.create_default_context()\n"),
        new=(
            "    if context is None:\n"
            "        context = ssl.create_default_context()\n"
            "        context.check_hostname = False\n"
        ),
        tests=("tests/adapters/test_tls.py::test_localhost_that_leads_elsewhere_is_left_at_once",),
        why="a certificate for any other name would do",
    ),
    Planted(
        name="a token is used past its end",
        file="adapters/tdx/login.py",
        old=(
            "        return self._session.access_token if self._session is not None and self._clock.now() < "
            'self._ends else ""\n'
        ),
        new='        return self._session.access_token if self._session is not None else ""\n',
        tests=("tests/adapters/tdx/test_tdx_venue.py::test_a_token_is_not_shown_once_it_has_ended",),
        why="requests with a dead token fail when it matters",
    ),
    Planted(
        name="a one-time code is used twice",
        file="adapters/tdx/login.py",
        old="        while self._secret and self._http.venue_wall() // step == used:",
        new="        while self._secret and self._http.venue_wall() // step < used:",
        tests=("tests/adapters/tdx/test_tdx_venue.py::test_wrong_credentials_are_tried_three_times_and_never_shown",),
        why="the venue takes a code once and locks the account",
    ),
    Planted(
        name="wrong credentials are tried for ever",
        file="adapters/tdx/login.py",
        old="            if tries == self._tries or final:\n",
        new="            if tries > self._tries or final:\n",
        tests=("tests/adapters/tdx/test_tdx_venue.py::test_wrong_credentials_are_tried_three_times_and_never_shown",),
        why="three tries, then a person must look",
    ),
    Planted(
        name="a nonce is used twice",
        file="adapters/powertrade/nonce_file.py",
        old="        super().__init__(_read(path))\n",
        new="        super().__init__(0)\n",
        tests=(
            "tests/adapters/powertrade/test_pt_signing.py::test_nonces_grow_across_restarts_and_are_written_down_before_they_are_used",
        ),
        why="a clock that goes back would reuse what was used",
    ),
    Planted(
        name="secrets show in crash reports",
        file="app/redact.py",
        old=("            self.scrub(error)\n            raise\n"),
        new="            raise\n",
        tests=("tests/app/test_redact.py::test_crash_reports",),
        why="a traceback is copied into tickets",
    ),
    Planted(
        name="what sounds secret is shown",
        file="app/redact.py",
        old="        return HIDDEN if value is not None and _NAME.search(name) else self.value(value, depth)\n",
        new="        return self.value(value, depth)\n",
        tests=(
            "tests/app/test_redact.py::test_values_that_hold_a_secret",
            "tests/app/test_redact.py::test_every_way_into_the_log",
        ),
        why="logs hold what the venue and the config say",
    ),
    Planted(
        name="a KILL file that cannot be read is no kill",
        file="app/kill_file.py",
        old=("    except OSError:\n        return [KillOrder()]\n"),
        new=("    except OSError:\n        return []\n"),
        tests=("tests/app/test_who_may_command.py::test_a_kill_file_that_cannot_be_read_asks_for_everything_to_stop",),
        why="it is there: somebody wants everything to stop",
    ),
    Planted(
        name="any user may command",
        file="app/control.py",
        old="    return user in (os.geteuid(), 0)\n",
        new="    return True\n",
        tests=("tests/app/test_who_may_command.py::test_only_the_owner_and_root_may_command",),
        why="the control socket is the owner's alone",
    ),
    Planted(
        name="a resting order waits for nobody",
        file="adapters/sim/matching.py",
        old="        ticket.ahead = 0 if model == OPTIMISTIC else ticket.shown\n",
        new="        ticket.ahead = 0\n",
        tests=("tests/adapters/sim/test_queue.py::test_back_waits_for_everything_displayed_before_it",),
        why="a backtest that fills at once is worth nothing",
    ),
    Planted(
        name="liquidity is taken twice",
        file="adapters/sim/matching.py",
        old="                self.note_taken(-ticket.side, levels.keys[i], lots, levels.sizes[i])\n",
        new="",
        tests=("tests/adapters/sim/test_arrival.py::test_what_we_took_stays_taken_until_the_levels_next_row",),
        why="two own orders would buy the same offer",
    ),
)
