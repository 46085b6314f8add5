# SLURM: what the site file says of account and QOS, and what must not start.

from shopbench.slurm import JOB_ARRAYS, check_alone, read_site

# The executor reads the partitions of the same file.
os.environ.setdefault("SNAKEMAKE_SLURM_PARTITIONS", "profiles/slurm/partitions.yaml")
with one_line_errors():
    # Snakemake has no public way to set a default resource from here.
    workflow.resource_settings._parsed_default_resources.update(read_site(os.environ["SNAKEMAKE_SLURM_PARTITIONS"]))


onstart:
    with one_line_errors():
        if getattr(workflow.executor_settings, "array_jobs", None):
            raise BadInput(JOB_ARRAYS)
        check_alone(Path.cwd())
