"""Add weighted adapters up to one, exactly: ensembles/<ensemble>/.

    python workflow/scripts/build_ensemble.py \\
        --ensemble '{"mode": "stack", "alpha": 1.0, "adapters": [{"name": "v8", "weight": 0.56}, {"name": "v9b", "weight": 0.75}]}' \\
        --start-from '{"v9b": "v8"}' \\
        --adapters results/demo/adapters/v8 results/demo/adapters/v9b --output results/demo/ensembles/track1

Reads each adapter's folder (its name is the folder's) and, when alpha is {"sweep": ..., "select_on": ...}, the sweep's Parquet. Leaves a
PEFT adapter that vLLM and PEFT load as it is, with ensemble.json: alpha, the signed coefficient of every adapter and, where svd_rank cut
the sum, what that lost.

Source of the method: Wise-ft and the weighted adapters of Team NVIDIA (arXiv 2408.04658); concatenated factors as in PEFT's "cat"
combination.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from shopbench.ensembles import best_alpha, signed_weights
from shopbench.files import BadInput, progress, publish_folder, run_program, write_json
from shopbench.lora import CONFIG, WEIGHTS, Adapter, AdapterSum, check_compatible


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ensemble", type=json.loads, required=True, help="JSON: mode, alpha, adapters [{name, weight}], svd_rank or not")
    parser.add_argument("--start-from", type=json.loads, default={}, help="JSON: adapter -> the adapter that its training continued from")
    parser.add_argument("--adapters", type=Path, nargs="+", required=True, help="folders of the listed adapters")
    parser.add_argument("--base-names", nargs="*", default=[], help="ends of the names of the adapters' base (default: any one base)")
    parser.add_argument("--sweep", type=Path, help="Parquet of the sweep that alpha is selected from")
    parser.add_argument("--output", type=Path, required=True, help="folder of the ensemble")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    ensemble = args.ensemble | {"alpha": chosen_alpha(args.ensemble["alpha"], args.sweep)}
    coefficients = signed_weights(ensemble, args.start_from)

    folders = {folder.name: folder for folder in args.adapters}
    for name in coefficients:
        if name not in folders:
            raise BadInput(f"--adapters has no folder named {name}, which the ensemble lists; it has {', '.join(folders)}")
    terms = [(Adapter(folders[name]), coefficient) for name, coefficient in coefficients.items()]

    facts = {"alpha": ensemble["alpha"], "mode": ensemble["mode"], "coefficients": coefficients}
    progress(f"{args.output}: " + " ".join(f"{coefficient:+g} {name}" for name, coefficient in coefficients.items()))
    check_compatible([adapter for adapter, _ in terms], args.base_names)
    total = AdapterSum(terms, ensemble.get("svd_rank"))
    if not total.cut:
        # Copying is bound by memory: a second thread would only wait, and the digest has use for its core.
        torch.set_num_threads(1)
    write_ensemble(total, facts, args.output)


def write_ensemble(total: AdapterSum, facts: dict[str, Any], output: Path) -> None:
    """Write the folder beside its place, and put it there when it is whole."""
    folder = output.with_name(f".{output.name}.partial")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        digest = total.write(folder / WEIGHTS)
        if total.cut:
            facts = facts | {"svd": {"rank": total.rank, "exact_rank": total.exact_rank, "relative_error": total.relative_error()}}
            progress(f"cut from rank {total.exact_rank} to {total.rank}: {total.relative_error():.2g} of the sum's norm is lost")
        write_json(folder / CONFIG, total.config())
        write_json(folder / "ensemble.json", facts)
        publish_folder(folder, output, {WEIGHTS: digest})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def chosen_alpha(alpha: float | dict[str, str], sweep: Path | None) -> float:
    """A given alpha, or the best one of a sweep."""
    if not isinstance(alpha, dict):
        return float(alpha)
    if sweep is None:
        raise BadInput(f"alpha is to be selected from sweep {alpha['sweep']}; give its Parquet with --sweep")
    return best_alpha(read_sweep(sweep), alpha["select_on"])


def read_sweep(path: Path) -> list[dict[str, Any]]:
    """The sweep's rows."""
    import polars

    return polars.read_parquet(path, columns=["set", "alpha", "score"]).to_dicts()


if __name__ == "__main__":
    run_program(main)
