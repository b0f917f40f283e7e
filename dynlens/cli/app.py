"""The commands of ``dynlens``: thin shells around the package, where errors become sentences."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from dynlens.claims.theorem import Theorem
    from dynlens.cli.run import Job
    from dynlens.verdict import Verdict

# Heavy imports happen inside the commands, so that `dynlens --help` answers at once.

USAGE, REFUTED, INTERRUPTED = 2, 1, 130
REPORT = Path("dynlens-report")
NARROW = 100  # columns of a terminal below which titles are left out
WIDE = 160  # columns of a table that is not printed on a terminal

app = typer.Typer(
    help="Numerical verification of theorems about gradient flow and gradient descent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; entry point of the script ``dynlens``."""
    app(prog_name="dynlens")


def _version(wanted: bool) -> None:
    if wanted:
        from dynlens import __version__

        typer.echo(f"dynlens {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def refuse(message: str) -> NoReturn:
    """End with one sentence on standard error, and the exit status of wrong usage."""
    typer.echo(f"dynlens: {message}", err=True)
    raise typer.Exit(USAGE)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn errors of the public boundary, which name argument and remedy, into one line."""
    from dynlens.support.errors import IntegrationError

    try:
        yield
    except IntegrationError as error:
        typer.echo(f"dynlens: {error}", err=True)
        raise typer.Exit(REFUTED) from error
    except (ValueError, TypeError, OSError) as error:
        refuse(str(error))


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=WIDE)


# list, show --------------------------------------------------------------------------------------


@app.command("list")
def list_(
    prefix: Annotated[str, typer.Argument(help="Only ids that begin with this.")] = "",
) -> None:
    """List the theorems: id, title, source."""
    _table(("id", "title", "source"), [(t.id, t.title, t.source) for t, _ in _chosen([prefix], [])])


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Problems, such as B1s B2; all if none."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer tolerances and turns, and less patience.")
    ] = False,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Turns of every integrator; 3 unless --quick.")
    ] = None,
    error: Annotated[float, typer.Option(help="Error at which times are compared.")] = 1e-8,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw work against precision.")
    ] = None,
) -> None:
    """Time the integrators on fixed problems, beside those of other packages."""
    from dynlens.cli.cpu import one_core, one_thread_each

    with one_thread_each():  # numpy and its like are loaded from here on
        from dynlens.bench import PROBLEMS
        from dynlens.cli import bench as command

        unknown = [name for name in names or [] if name not in PROBLEMS]
        if unknown:
            refuse(f"no problem {unknown[0]!r}; known: {', '.join(PROBLEMS)}.")
        if figure is not None and not figure.absolute().parent.is_dir():
            refuse(f"`--figure`: {figure} is not in an existing folder.")
        with _sentences(), one_core() as cores:
            command.run(
                names or [],
                quick=quick,
                rounds=rounds or (2 if quick else 3),
                error=error,
                figure=figure,
                cores=cores,
                echo=typer.echo,
                tabulate=_table,
                stderr=_console(stderr=True),
            )


@app.command()
def calibrate(
    kinds: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only claims of this kind; repeat it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="From which the claims are drawn.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="True claims, and as many false ones.")] = 1000,
    fresh: Annotated[
        list[int] | None,
        typer.Option(min=0, metavar="SEED", help="Judge a hundred of each from this seed, apart."),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many judge side by side.")] = 2,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page that tells of it.")
    ] = None,
) -> None:
    """Judge claims of known truth, and count what the judge says of them.

    The exit status is 1 if an aim is missed: a true claim refuted, a false one held. What is
    finished is kept, so that an interrupted run goes on where it was.
    """
    if output is not None and not output.absolute().parent.is_dir():
        refuse(f"`--output`: {output} is not in an existing folder.")
    from dynlens.cli.cpu import one_thread_each

    with one_thread_each(), _sentences():
        from dynlens.cli import calibrate as command

        try:
            met = command.run(
                kinds or [],
                seed=seed,
                count=count,
                fresh=tuple(fresh or ()),
                processes=processes,
                output=output,
                progress=sys.stderr.isatty(),
                echo=typer.echo,
                tabulate=_table,
            )
        except KeyboardInterrupt as error:
            command.tell_finished(kinds or [], seed, count, typer.echo, _table)
            raise typer.Exit(INTERRUPTED) from error
    raise typer.Exit(0 if met else REFUTED)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for k, name in enumerate(names):
        table.add_column(name, no_wrap=k == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    _console().print(table)


@app.command()
def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="Id of a theorem, or a prefix.")],
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX instead.")] = False,
    file: Annotated[
        list[Path] | None, typer.Option(help="Look in this file of yours instead.")
    ] = None,
) -> None:
    """Show a theorem as mathematics: statements, assumptions, cases, controls."""
    chosen = [pair for pair in _chosen([] if file else [id], file or []) if _matches(id, pair[0])]
    if not chosen:
        refuse(f"no theorem {id!r} in {', '.join(map(str, file or []))}.")
    from dynlens.cli.show import as_document, described

    texts = [as_document(t) if latex else described(t, place) for t, place in chosen]
    typer.echo("\n\n\n".join(texts))


@app.command()
def laws(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Such as deep:3-3-3, cp:2-2-2:4, tree:2-2-2-2:2."),
    ],
    degree: Annotated[int | None, typer.Option(min=1, help="Of the polynomials searched.")] = None,
    momentum: Annotated[
        float | None, typer.Option(help="Friction of the flow with momentum.")
    ] = None,
    rational: Annotated[
        bool, typer.Option("--rational", help="Search quotients of polynomials too.")
    ] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX instead.")] = False,
) -> None:
    """Find the conservation laws of a model or of the problem P1, and whether these are all."""
    with _sentences():
        from dynlens.cli.models import model_or_problem
        from dynlens.discovery import conservation_laws

        found = conservation_laws(
            model_or_problem(model), degree, momentum=momentum, rational=rational
        )
        typer.echo(found._repr_latex_() if latex else str(found))


@app.command()
def conjecture(
    observable: Annotated[str, typer.Argument(help="Whose rate is asked for.")],
    model: Annotated[
        str, typer.Option(help="Such as deep:3-3-3; depths, orders and scales are varied.")
    ] = "deep:3-3-3",
    of: Annotated[
        str, typer.Option(help="Candidates, with commas between them; all observables if none.")
    ] = "",
    sums: Annotated[bool, typer.Option("--sums", help="Sums over entries too.")] = False,
    theorem: Annotated[str, typer.Option(metavar="ID", help="Write a theorem file too.")] = "",
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")] = Path(
        "conjecture.py"
    ),
) -> None:
    """Look for the law of an observable's rate, and attack what is found."""
    with _sentences():
        from dynlens.cli.models import model_or_problem
        from dynlens.discovery import conjecture as look_for
        from dynlens.models.base import Model

        asked = model_or_problem(model)
        if not isinstance(asked, Model):
            refuse(f"`--model` is the problem {model!r}; name a model, such as deep:3-3-3.")
        names = [name.strip() for name in of.split(",") if name.strip()] or None
        found = look_for(observable, of=names, states=asked, sums=sums)
        typer.echo(str(found))
        if theorem and found:
            found.theorem(theorem, out)
            typer.echo(f"written: {out}")
    if not found:
        raise typer.Exit(REFUTED)


def _matches(prefix: str, theorem: Theorem) -> bool:
    return theorem.id.startswith(prefix)


def _chosen(ids: Sequence[str], files: Sequence[Path]) -> list[tuple[Theorem, str | None]]:
    """Theorems by id or prefix, and those stated in files, each with its file."""
    from dynlens import catalogue
    from dynlens.support.errors import UnknownNameError

    found: dict[str, tuple[Theorem, str | None]] = {}
    try:
        for name in ids:
            found |= {theorem.id: (theorem, None) for theorem in catalogue.theorems(name)}
    except UnknownNameError as error:
        refuse(str(error))
    for file in files:
        for theorem in _stated(file):
            if theorem.id in found:
                refuse(f"two theorems are called {theorem.id!r}, one in {file}; rename one.")
            found[theorem.id] = (theorem, str(file))
    return list(found.values())


def _stated(file: Path) -> tuple[Theorem, ...]:
    from dynlens import catalogue

    try:
        return catalogue.from_file(file)
    except FileNotFoundError as error:
        refuse(str(error))
    except Exception as error:  # whatever the file's own code raises
        refuse(f"{file} cannot be read as theorems: {type(error).__name__}: {error}")


# verify ------------------------------------------------------------------------------------------


@app.command()
def verify(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Ids or prefixes, such as P1 or A.3; all if none."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the verdicts to this file.")
    ] = None,
    report: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the report.")] = REPORT,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    file: Annotated[
        list[Path] | None,
        typer.Option(metavar="THEOREM.py", help="Verify the theorems in a file of yours."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Theorems verified side by side.")] = 2,
    method: Annotated[
        str | None, typer.Option(help="Integrate by this method of SciPy's where none is named.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 unless all are SUPPORTED or PROVED.")
    ] = False,
) -> None:
    """Attack theorems and their controls; exit status 0 only if just the controls are refuted.

    The exit status is 1 if a theorem is refuted or a control is not, or with --strict if a theorem
    is neither SUPPORTED nor PROVED; 2 for wrong usage, 130 after Ctrl-C, which keeps what is
    finished.
    """
    _writable(json, None if no_report else report)
    if method is not None:
        _integrate_by(method)
    chosen = _chosen(ids or ([] if file else [""]), file or [])
    from dynlens.cli.run import Job

    run = _Verification([Job(t.id, place) for t, place in chosen], json, jobs, not no_report)
    try:
        run.verify()
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
    run.tell(interrupted)
    try:
        run.write_report(None if no_report else report)
    except KeyboardInterrupt:
        interrupted = True
    run.last_lines(interrupted)
    raise typer.Exit(INTERRUPTED if interrupted else run.exit_status(strict))


def _integrate_by(method: str) -> None:
    """Let "auto" mean a method of SciPy's, in this process and those it starts."""
    import os

    from dynlens.dynamics.settings import INSTEAD, METHODS
    from dynlens.support import validation

    with _sentences():
        os.environ[INSTEAD] = validation.one_of("--method", method, METHODS)


def _writable(json: Path | None, report: Path | None) -> None:
    """Refuse places that cannot be written before the work begins, not after it."""
    if json is not None and (json.is_dir() or not json.absolute().parent.is_dir()):
        refuse(f"`--json`: {json} is not a file in an existing folder.")
    if report is not None and report.exists() and not report.is_dir():
        refuse(f"`--report`: {report} is not a folder.")


class _Verification:
    """One call of ``dynlens verify``: what is finished, and where it is written."""

    def __init__(self, jobs: list[Job], json: Path | None, processes: int, figures: bool) -> None:
        self.jobs, self.json, self.processes, self.figures = jobs, json, processes, figures
        self.finished: dict[str, Verdict] = {}
        self.pictures: dict[str, bytes] = {}
        self.console, self.began = _console(), time.perf_counter()
        self.report: Path | None = None

    @property
    def verdicts(self) -> list[Verdict]:
        """Finished verdicts, in the order asked for."""
        return [self.finished[job.id] for job in self.jobs if job.id in self.finished]

    @property
    def unsettled(self) -> list[Verdict]:
        """Verdicts that are neither SUPPORTED nor PROVED."""
        return [verdict for verdict in self.verdicts if not verdict.held]

    def exit_status(self, strict: bool) -> int:
        """0 if nothing is refuted but the controls (and, if `strict`, all is settled), else 1."""
        fine = all(verdict.passed for verdict in self.verdicts)
        return 0 if fine and not (strict and self.unsettled) else REFUTED

    def verify(self) -> None:
        """Verify everything, keeping each verdict as it comes."""
        from dynlens.cli.progress import progress
        from dynlens.cli.run import run

        with progress(_console(stderr=True), len(self.jobs)) as board:
            outcomes = run(
                self.jobs, processes=self.processes, figures=self.figures, watch=board.watch
            )
            with outcomes as arriving:
                for outcome in arriving:
                    self.finished[outcome.verdict.id] = outcome.verdict
                    if outcome.picture is not None:
                        self.pictures[outcome.verdict.id] = outcome.picture
                    self.write_json()
                    board.finish(outcome.verdict)

    def write_json(self) -> None:
        """Write what is finished; called after every theorem, so that nothing can lose it."""
        if self.json is None:
            return
        import json

        from dynlens.support.files import write_atomically

        plain = [verdict.as_dict() for verdict in self.verdicts]
        text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
        write_atomically(self.json, f"{text}\n".encode())

    def tell(self, interrupted: bool) -> None:
        """Print the table, and in full whatever did not come out as it should."""
        from dynlens.catalogue.report import summary_table

        if self.verdicts:
            self.console.print(summary_table(self.verdicts, titles=self.console.width >= NARROW))
        for verdict in self.verdicts:
            if not (verdict.held and verdict.passed):
                self._plain(f"\n{verdict}")
        if interrupted:
            self._plain(f"\ninterrupted: {len(self.finished)} of {len(self.jobs)} finished")

    def write_report(self, folder: Path | None) -> None:
        """Write the report into a folder, unless there is none, or nothing to report."""
        from dynlens.catalogue.report import write_report

        if folder is not None and self.verdicts:
            self.report = write_report(self.verdicts, folder, pictures=self.pictures)

    def last_lines(self, interrupted: bool) -> None:
        """Print the totals, the time, and where the files are."""
        from dynlens.catalogue.report import totals

        seconds = time.perf_counter() - self.began
        self._plain(f"\n{totals(self.verdicts)}; {seconds:.0f} s")
        if self.unsettled:
            names = ", ".join(f"{v.id} {v.status}" for v in self.unsettled)
            self._plain(f"neither SUPPORTED nor PROVED: {names}")
        if self.json is not None and self.verdicts:
            self._plain(f"verdicts: {self.json}")
        if self.report is not None:
            self._plain(f"report: {self.report}")

    def _plain(self, text: str) -> None:
        # Never wrapped: a line that reproduces a verdict is there to be pasted.
        self.console.print(text, markup=False, soft_wrap=True)


# reproduce, compare ------------------------------------------------------------------------------


@app.command()
def reproduce(
    id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="An experiment; lists them if left out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the results.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller version, for a look.")] = False,
) -> None:
    """Repeat an experiment of the papers, and write its table and figures."""
    from dynlens import experiments

    if id is None:
        known = experiments.EXPERIMENTS.values()
        _table(("id", "title", "source"), [(e.id, e.title, e.source) for e in known])
        return
    place = out or Path(f"dynlens-{id}")
    with _sentences():
        result = experiments.reproduce(id, place, progress=sys.stderr.isatty(), quick=quick)
    typer.echo(result.text)
    typer.echo(f"results: {place}")


@app.command()
def compare(
    depth: Annotated[int, typer.Option(min=1, help="Number of factors.")] = 2,
    eta: Annotated[float, typer.Option(help="Step size of descent.")] = 0.01,
    t_end: Annotated[float, typer.Option(help="Time up to which they are compared.")] = 20.0,
    scale: Annotated[float, typer.Option(help="Scale of the balanced start.")] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the start.")] = 1,
    observable: Annotated[str, typer.Option(help="What to draw of both.")] = "singular_values",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the figure.")] = Path(),
) -> None:
    """Set gradient descent beside the flow, on the two-by-two completion problem.

    Prints how far apart they are, why, to what order in the step, and the a priori bounds.
    """
    with _sentences():
        import dynlens as dl
        from dynlens import plot
        from dynlens.support import validation

        steps = round(validation.positive("t_end", t_end) / validation.positive("eta", eta))
        problem = dl.completion_problem(depth)
        start = problem.init(scale, kind="balanced", seed=seed, determinant=1)
        descent = dl.gradient_descent(problem, start, eta=eta, steps=max(steps, 1))
        flow = dl.gradient_flow(problem, start, float(descent.t[-1]))
        found = dl.compare(flow, descent, observable=observable)
        path = plot.save(plot.plot_comparison(found), out / "comparison.png")
        parts = (str(found), str(found.orders), str(found.bounds), f"figure: {path}")
    typer.echo("\n".join(parts))
