"""Questions of general knowledge: MMLU's auxiliary part.

All of it; questions with two equal choices are left out.

Example:

    What is the value of 45 + 670?
    0. 716
    1. 717
    2. 725
    3. 715
    Answer:
    -> 3
"""

from shopbench.dataset.mmlu import questions
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "{question}\n{options}\nAnswer:",
    "The following is a multiple choice question about {subject}.\n{question}\n{options}\nAnswer:",
    "Question: {question}\n{options}\nAnswer:",
    "Answer the question with the number of the right choice.\n{question}\n{options}\nAnswer:",
]
PARTS = ["auxiliary_train"]


def build(inputs: Inputs) -> Candidates:
    return questions(inputs, PARTS, WORDINGS)
