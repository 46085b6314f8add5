# Environments: one folder each under .envs/, built by uv from a lock with hashes.
#
# Inputs   envs/<name>.<accelerator>.txt    the lock (remade by `make locks` from envs/<name>.in)
# Outputs  .envs/<name>-<accelerator>/      the environment; its lock.txt, a copy of the lock, is written last
#
# Rules take the copied lock as an input: touching a lock reruns nothing, another lock reruns what uses that environment.
# The program is no input on purpose: the lock alone decides what is in an environment.


localrules:
    build_env,


rule build_env:
    input:
        lock="envs/{env}.{accelerator}.txt",
    output:
        lock=".envs/{env}-{accelerator}/lock.txt",
    log:
        "<logs>/build_env/{env}-{accelerator}.log",
    wildcard_constraints:
        env=one_of(ENVIRONMENTS),
        accelerator="cpu|cuda",
    conda:
        "../../envs/workflow.yaml"
    shell:
        """
        python workflow/scripts/build_env.py \
          --lock {input.lock:q} \
          --environment .envs/{wildcards.env}-{wildcards.accelerator} \
          > {log:q} 2>&1
        """
