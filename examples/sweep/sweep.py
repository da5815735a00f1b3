"""Train with several settings, and print a table: python examples/sweep/sweep.py --help.

Optuna (`pip install optuna`) chooses the settings; each trial is `attention-ocr train` with its own
work directory. The study is kept in a file, so that the same command continues after a stop.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import optuna


def parse_space(entries: list[str]) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the settings to vary.

    Args:
        entries: `learning_rate=0.0005..0.004` (a range, on a log scale) or
            `encoder=compact,vgg` (a list).

    Raises:
        ValueError: If an entry is neither.
    """
    space: dict[str, optuna.distributions.BaseDistribution] = {}
    for entry in entries:
        name, is_given, values = entry.partition("=")
        low, is_range, high = values.partition("..")
        try:
            if is_range:
                space[name] = optuna.distributions.FloatDistribution(
                    float(low), float(high), log=True
                )
            elif is_given and values:
                space[name] = optuna.distributions.CategoricalDistribution(values.split(","))
        except ValueError as error:
            raise ValueError(f"Expected two numbers above 0. Received: {entry}") from error
        if name not in space:
            raise ValueError(f"Expected name=low..high or name=a,b,c. Received: {entry}")
    return space


def run_trial(trial: optuna.Trial, args: argparse.Namespace, flags: list[str]) -> float:
    """Train with the settings of a trial; return the exact match of its best validation."""
    work_dir = args.out_dir / f"trial-{trial.number}"
    chosen = [
        f"--{name}={_suggest(trial, name, distribution)}"
        for name, distribution in args.space.items()
    ]
    command = [sys.executable, "-m", "attention_ocr"]
    subprocess.run([*command, "train", f"--work_dir={work_dir}", *flags, *chosen], check=True)
    subprocess.run([*command, "evaluate", f"--model={work_dir}"], check=True)
    metrics = json.loads((work_dir / "evaluation/metrics.json").read_text("utf-8"))
    trial.set_user_attr("cer", metrics["cer"])
    trial.set_user_attr("work_dir", str(work_dir))
    return float(metrics["exact_match"])


def _suggest(
    trial: optuna.Trial, name: str, distribution: optuna.distributions.BaseDistribution
) -> object:
    if isinstance(distribution, optuna.distributions.FloatDistribution):
        return trial.suggest_float(name, distribution.low, distribution.high, log=True)
    assert isinstance(distribution, optuna.distributions.CategoricalDistribution)  # noqa: S101
    return trial.suggest_categorical(name, distribution.choices)


def format_table(study: optuna.Study) -> str:
    """Return the finished trials as a table, the best first."""
    finished = [trial for trial in study.trials if trial.value is not None]
    names = sorted({name for trial in finished for name in trial.params})
    rows = [["exact match", "CER", *names, "work directory"]]
    for trial in sorted(finished, key=lambda trial: -(trial.value or 0.0)):
        values = [f"{trial.params.get(name, ''):.3g}" if isinstance(trial.params.get(name), float)
                  else str(trial.params.get(name, "")) for name in names]  # fmt: skip
        attributes = trial.user_attrs
        rows.append([f"{trial.value:.1%}", f"{attributes['cer']:.2%}", *values,
                     attributes["work_dir"]])  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the trials that are left, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="All other flags are those of attention-ocr train, for every trial.",
    )  # fmt: skip
    parser.add_argument("--out_dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--trials", type=int, default=10, metavar="N", help="in all")
    parser.add_argument(
        "--vary", nargs="+", required=True, metavar="NAME=VALUES",
        help="learning_rate=0.0005..0.004 or encoder=compact,vgg",
    )  # fmt: skip
    args, flags = parser.parse_known_args(arguments)
    args.space = parse_space(args.vary)
    args.out_dir.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name="sweep", storage=f"sqlite:///{args.out_dir / 'study.db'}",
        direction="maximize", load_if_exists=True, sampler=optuna.samplers.TPESampler(seed=0),
    )  # fmt: skip
    done = sum(trial.value is not None for trial in study.trials)
    study.optimize(
        lambda trial: run_trial(trial, args, flags),
        n_trials=max(args.trials - done, 0),
        catch=(subprocess.CalledProcessError,),
    )
    print(format_table(study))


if __name__ == "__main__":
    main()
