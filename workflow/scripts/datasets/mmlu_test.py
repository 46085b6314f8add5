"""Questions of general knowledge: MMLU's test, validation and dev parts.

All of it; questions with two equal choices are left out.

Example:

    What is the value of 21 + 714?
    0. 745
    1. 735
    2. 737
    3. 736
    Answer:
    -> 1
"""

from shopbench.dataset.mmlu import questions
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "{question}\n{options}\nAnswer:",
    "The following is a multiple choice question about {subject}.\n{question}\n{options}\nAnswer:",
    "Question: {question}\n{options}\nAnswer:",
    "Answer the question with the number of the right choice.\n{question}\n{options}\nAnswer:",
]
PARTS = ["test", "validation", "dev"]


def build(inputs: Inputs) -> Candidates:
    return questions(inputs, PARTS, WORDINGS)
