"""Write the merged config of a run beside its results.

    python workflow/scripts/save_run_config.py --config '{"run": "demo"}' --output results/demo/run_config.yaml

The config comes as one JSON string, as Snakemake merged and checked it; the YAML holds the same keys in the same order.
"""

from __future__ import annotations

import argparse
import json

import yaml

from shopbench.files import BadInput, run_program, whole_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="the merged config, as JSON")
    parser.add_argument("--output", required=True, help="YAML file to write")
    args = parser.parse_args()

    try:
        config = json.loads(args.config)
    except ValueError as error:
        raise BadInput(f"--config: not JSON ({error})") from None
    with whole_text(args.output) as stream:
        stream.write("# The merged config of this run, as Snakemake checked it. Written at each change; edit the configfile instead.\n")
        yaml.safe_dump(config, stream, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    run_program(main)
