"""One request or job is one unit of work, and a service does nothing that a roll-back could not take back."""

from __future__ import annotations

import ast

from tests.architecture import sources

OPENERS = {"transaction", "unit_of_work", "apart", "begin", "atomic", "start_transaction"}
ENGINE = "partner_portal/infra/db.py"
# Who opens units of work: the shell around each request, the carriers of jobs, look-ups made before anybody is known, and commands.
OPENS_UNITS = {
    ENGINE,
    "billing/jobs/accounting.py",
    "billing/jobs/bank.py",
    "billing/jobs/reminders.py",
    "billing/service/gateways/sandbox.py",
    "billing/service/announcing.py",
    "billing/service/late.py",
    "billing/service/late_rest.py",
    "billing/service/mandate_links.py",
    "billing/service/own_mandates.py",
    "billing/service/payouts.py",
    "billing/service/pay_links.py",
    "billing/service/paying.py",
    "billing/service/overdue.py",
    "billing/service/reminders.py",
    "billing/service/runs.py",
    "billing/service/suspensions.py",
    "billing/service/vat_numbers.py",
    "partner_portal/infra/outbox.py",
    "partner_portal/web/middleware.py",
    "partner_portal/web/health.py",
    "partner_portal/web/metrics.py",
    "partner_portal/wiring.py",
    "tenants/jobs/people.py",
    "tenants/jobs/webhooks.py",
    "tenants/service/accounts.py",
    "tenants/service/brands.py",
    "tenants/service/forgotten.py",
    "tenants/service/invitations.py",
    "tenants/service/own.py",
    "tenants/service/passwords.py",
    "tenants/service/sign_in.py",
    "terminations/service/links.py",
    "terminations/service/decisions.py",
    "terminations/service/deadline_keeping.py",
    "terminations/service/deadline_readers.py",
    "terminations/service/drafts.py",
    "terminations/service/notices.py",
    "terminations/service/placing.py",
    "terminations/service/scheduling.py",
}
OPENING_FOLDERS = ("partner_portal/console/", "partner_portal/demo", "partner_portal/bench", "admin/")
# Who gives a contact's unit of work its tenant's rights for a moment: what it may do was judged before, and what is read is none of the answer.
AS_THE_TENANT = {
    "billing/service/mandate_links.py",
    "billing/service/ordered.py",
    "billing/service/own_mandates.py",
    "billing/service/services.py",
    "terminations/service/quotes.py",
}
AFTERWARDS = ("infra.mail", "infra.pdf", "infra.queue", "infra.smtp", "infra.redis")
# No statement of this unit of work runs inside: another machine is asked, or a thread; the built-in gateway keeps its books in units of its own.
WITHOUT_DATABASE = (
    "await asyncio.to_thread",
    "await pictures.",
    "await remote.",
    "await gateway.",
    "await self._read(",
    "await self._speaker.",
    "await self._list(",
    "await self._finished(",
    "await adapter.several(",
    "await send(paper)",
)
UNAWAITED = {"save", "remove", "run", "insert", "update", "delete", "execute", "publish", "fetch", "fetch_one", "lock_rows"}


def test_only_the_engine_speaks_of_transactions() -> None:
    words = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "START TRANSACTION")
    found = [
        f"{sources.name(file)}:{node.lineno}"
        for file in sources.modules()
        if sources.name(file) != ENGINE
        for node in ast.walk(sources.tree(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip().upper().startswith(words)
        if node.value.strip().isupper()
    ]

    assert found == []


def test_units_of_work_are_opened_by_those_few_who_carry_requests_and_jobs() -> None:
    found = {
        sources.name(file)
        for file in sources.modules()
        for node in ast.walk(sources.tree(file))
        if isinstance(node, ast.Call) and _opens(sources.dotted(node.func))
    }

    assert {name for name in found if not name.startswith(OPENING_FOLDERS)} <= OPENS_UNITS | {"partner_portal/invariants.py"}


def test_only_a_few_use_cases_give_a_contact_the_rights_of_its_tenant() -> None:
    found = {
        sources.name(file)
        for file in sources.modules()
        for node in ast.walk(sources.tree(file))
        if isinstance(node, ast.Call) and sources.dotted(node.func) == "db.as_the_tenant"
    }

    assert found == AS_THE_TENANT


def _opens(called: str) -> bool:
    module, _, name = called.rpartition(".")
    return name in OPENERS and (module in {"", "db"} or module.endswith(("DB", "engine")))


def test_a_service_never_mails_prints_or_queues() -> None:
    found = [
        f"{sources.name(file)}: {imported}"
        for file in sources.services()
        for imported in sources.imports(file)
        if any(f"{part}." in f"{imported}." for part in AFTERWARDS)
    ]

    assert found == []


def test_a_refusal_by_the_database_is_caught_around_a_savepoint_only() -> None:
    """A swallowed error would leave the transaction aborted, or half-done writes committed."""
    found = [
        f"{sources.name(file)}:{node.lineno}"
        for file in sources.services()
        for node in ast.walk(sources.tree(file))
        if isinstance(node, ast.Try) and node.handlers and not _is_safe(node)
    ]

    assert found == []


def _is_safe(node: ast.Try) -> bool:
    first = node.body[0]
    opens = isinstance(first, ast.AsyncWith) and any(
        isinstance(item.context_expr, ast.Call) and sources.dotted(item.context_expr.func) in {"db.savepoint", "db.unit_of_work"}
        for item in first.items
    )
    asks_database = any(
        isinstance(inner, ast.Await) and not ast.unparse(inner).startswith(WITHOUT_DATABASE)
        for part in node.body
        for inner in ast.walk(part)
    )
    return opens or not asks_database


def test_no_query_is_built_and_then_forgotten() -> None:
    """`row.save()` without `await` does nothing, and says nothing."""
    found = [
        f"{sources.name(file)}:{node.lineno}"
        for file in [*sources.modules(*sources.DOMAINS), *sources.modules("admin")]
        for node in ast.walk(sources.tree(file))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in UNAWAITED
        and sources.dotted(node.value.func.value)
        not in {"digest", "changes", "words", "values", "indicated"}  # hashes, dictionaries and sets
    ]

    assert found == []


def test_nothing_runs_at_the_same_time_inside_a_unit_of_work() -> None:
    found = [
        f"{sources.name(file)}:{node.lineno}"
        for file in sources.modules(*sources.DOMAINS)
        for node in ast.walk(sources.tree(file))
        if isinstance(node, ast.Call) and sources.dotted(node.func).rpartition(".")[2] in {"gather", "create_task", "TaskGroup"}
    ]

    assert found == []
