"""Whether reviews answer a question.

From ECInstruct's Answerability Prediction; a language model asks more questions that the reviews do answer.

Example:

    Question: What is the size of this sandals?
    Decide whether the following reviews say enough to answer it.
    looks ugly I bought it last month. broke within days
    0. yes
    1. no
    Answer:
    -> 1
"""

from shopbench.dataset.ecinstruct import YES_NO
from shopbench.dataset.ecinstruct_choice import choice_items
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "Can the question be answered from the document?\nQuestion: {question}\nDocument: {document}\n{options}\nAnswer:",
    "Reviews: {document}\nA customer asks: {question}\nDo the reviews hold the answer?\n{options}\nAnswer:",
    "Question: {question}\nDecide whether the following reviews say enough to answer it.\n{document}\n{options}\nAnswer:",
    "A shop wants to answer the question '{question}' from its reviews.\nReviews: {document}\nIs that possible?\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return choice_items(inputs, "answerability", "question", WORDINGS, kind="question", options=YES_NO, written="document_questions")
