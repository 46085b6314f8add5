# How jobs are submitted: what the site file says of SLURM's account and QOS, when to look for the next jobs, and what must not start.

from shopbench.files import BadInput
from shopbench.slurm import JOB_ARRAYS, SITE_VARIABLE, check_alone, site_file, site_resources

# The executor reads the partitions of the same file.
os.environ[SITE_VARIABLE] = str(site_file())
with one_line_errors():
    # Snakemake has no public way to set a default resource from here.
    workflow.resource_settings._parsed_default_resources.update(site_resources(site_file()))


onstart:
    # To submit at most a hundred jobs a second, Snakemake 9.27 looks at all ready jobs again every second, once for each job that has finished:
    # after some hundred jobs it never rests. Without the limit it looks when a job ends.
    workflow.scheduler.job_rate_limiter = None
    with one_line_errors():
        # Settings of SLURM's executor; other executors have none of these.
        submits = hasattr(workflow.executor_settings, "array_jobs")
        if submits and workflow.executor_settings.array_jobs:
            raise BadInput(JOB_ARRAYS)
        check_alone(Path.cwd(), must_know=submits)
