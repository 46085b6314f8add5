# The index of the pipeline. Each stage's rules are in workflow/rules/, its programs in workflow/scripts/.

from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/slurm.smk"
include: "workflow/rules/functions.smk"
include: "workflow/rules/environments.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/synthetic.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/blends.smk"
include: "workflow/rules/cards.smk"
include: "workflow/rules/base.smk"
include: "workflow/rules/adapters.smk"
include: "workflow/rules/ensembles.smk"
include: "workflow/rules/quantization.smk"
include: "workflow/rules/inference.smk"
include: "workflow/rules/scoring.smk"
include: "workflow/rules/report.smk"


# The first rule is the default target: everything that the paper prints, in all its forms, checked, and a card of each dataset and blend.
rule all:
    default_target: True
    input:
        "<results>/report.html",
        "<results>/checked.json",
        "<results>/run_config.yaml",
        FORMATTED_TABLES,
        CARDS,
