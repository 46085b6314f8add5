# Tables: the raw sources made columnar, each cut to a fixed pool that all of its datasets sample from.
#
# Needs    <raw>/<source>/<file>                 as published, or as the simulator writes them
# Leaves   <results>/tables/esci_judgements.parquet, esci_products.parquet
#          <results>/tables/m2_products.parquet, m2_sessions.parquet
#          <results>/tables/reviews.{category}.parquet, review_products.{category}.parquet     one job a category
#          <results>/tables/ecinstruct.parquet, mmlu.parquet, alpaca.parquet
#
# Rows read, kept and broken (by reason) lie in each table's metadata. More broken rows than sources.broken_share fail the job.

# The tables of each source, by its name in config/datasets.tsv.
M2_TABLES = ["m2_products", "m2_sessions"]
REVIEW_TABLES = [f"{table}.{category}" for table in ("review_products", "reviews") for category in config["sources"]["review_categories"]]
TABLES = {
    "amazon_m2": M2_TABLES,
    "kdd_cup_2023": M2_TABLES,
    "amazon_reviews_2023": REVIEW_TABLES,
    "ecinstruct": ["ecinstruct"],
    "alpaca_cleaned": ["alpaca"],
    "mmlu": ["mmlu"],
    "esci": ["esci_judgements", "esci_products"],
}
ALL_TABLES = sorted({table for tables in TABLES.values() for table in tables})
MMLU_FILES = [f"{part}-00000-of-00001.parquet" for part in ("test", "validation", "dev", "auxiliary_train")]


rule tabulate_esci:
    input:
        program=program("tabulate_esci.py"),
        env=environment("data"),
        examples="<raw>/esci/shopping_queries_dataset_examples.parquet",
        products="<raw>/esci/shopping_queries_dataset_products.parquet",
    output:
        judgements="<results>/tables/esci_judgements.parquet",
        products="<results>/tables/esci_products.parquet",
    log:
        "<logs>/tabulate_esci.log",
    benchmark:
        "<benchmarks>/tabulate_esci.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        pool_judgements=config["sources"]["pools"]["esci_judgements"],
        broken_share=config["sources"]["broken_share"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --examples {input.examples:q} \
          --products {input.products:q} \
          --pool-judgements {params.pool_judgements} \
          --broken-share {params.broken_share} \
          --output-judgements {output.judgements:q} \
          --output-products {output.products:q} \
          > {log:q} 2>&1
        """


rule tabulate_amazon_m2:
    input:
        program=program("tabulate_amazon_m2.py"),
        env=environment("data"),
        products="<raw>/amazon_m2/products_train.csv",
        sessions="<raw>/amazon_m2/sessions_train.csv",
    output:
        products="<results>/tables/m2_products.parquet",
        sessions="<results>/tables/m2_sessions.parquet",
    log:
        "<logs>/tabulate_amazon_m2.log",
    benchmark:
        "<benchmarks>/tabulate_amazon_m2.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        pool_products=config["sources"]["pools"]["m2_products"],
        pool_sessions=config["sources"]["pools"]["m2_sessions"],
        broken_share=config["sources"]["broken_share"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --products {input.products:q} \
          --sessions {input.sessions:q} \
          --pool-products {params.pool_products} \
          --pool-sessions {params.pool_sessions} \
          --broken-share {params.broken_share} \
          --output-products {output.products:q} \
          --output-sessions {output.sessions:q} \
          > {log:q} 2>&1
        """


rule tabulate_reviews:
    input:
        program=program("tabulate_reviews.py"),
        env=environment("data"),
        reviews="<raw>/amazon_reviews_2023/raw/review_categories/{category}.jsonl",
        products="<raw>/amazon_reviews_2023/raw/meta_categories/meta_{category}.jsonl",
    output:
        reviews="<results>/tables/reviews.{category}.parquet",
        products="<results>/tables/review_products.{category}.parquet",
    log:
        "<logs>/tabulate_reviews/{category}.log",
    benchmark:
        "<benchmarks>/tabulate_reviews/{category}.tsv"
    wildcard_constraints:
        category=one_of(config["sources"]["review_categories"]),
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        pool_reviews=config["sources"]["pools"]["reviews"],
        broken_share=config["sources"]["broken_share"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --reviews {input.reviews:q} \
          --products {input.products:q} \
          --pool-reviews {params.pool_reviews} \
          --broken-share {params.broken_share} \
          --output-reviews {output.reviews:q} \
          --output-products {output.products:q} \
          > {log:q} 2>&1
        """


rule tabulate_ecinstruct:
    input:
        program=program("tabulate_ecinstruct.py"),
        env=environment("data"),
        answers="<raw>/ecinstruct/dataset.json",
    output:
        table="<results>/tables/ecinstruct.parquet",
    log:
        "<logs>/tabulate_ecinstruct.log",
    benchmark:
        "<benchmarks>/tabulate_ecinstruct.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        pool=config["sources"]["pools"]["ecinstruct"],
        broken_share=config["sources"]["broken_share"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --input {input.answers:q} \
          --items {params.pool} \
          --broken-share {params.broken_share} \
          --output {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_mmlu:
    input:
        program=program("tabulate_mmlu.py"),
        env=environment("data"),
        parts=expand("<raw>/mmlu/all/{file}", file=MMLU_FILES),
    output:
        table="<results>/tables/mmlu.parquet",
    log:
        "<logs>/tabulate_mmlu.log",
    benchmark:
        "<benchmarks>/tabulate_mmlu.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        broken_share=config["sources"]["broken_share"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --inputs {input.parts:q} \
          --broken-share {params.broken_share} \
          --output {output.table:q} \
          > {log:q} 2>&1
        """


rule tabulate_alpaca:
    input:
        program=program("tabulate_alpaca.py"),
        env=environment("data"),
        answers="<raw>/alpaca_cleaned/alpaca_data_cleaned.json",
    output:
        table="<results>/tables/alpaca.parquet",
    log:
        "<logs>/tabulate_alpaca.log",
    benchmark:
        "<benchmarks>/tabulate_alpaca.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        python=python.data,
        broken_share=config["sources"]["broken_share"],
    shell:
        """
        {params.python:q} {input.program[0]:q} \
          --input {input.answers:q} \
          --broken-share {params.broken_share} \
          --output {output.table:q} \
          > {log:q} 2>&1
        """
