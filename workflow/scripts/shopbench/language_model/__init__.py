"""What a language model writes for the training data: requests from seeds and templates, two engines, a cache of answers, verdicts.

A seed is a row of the run's tables that a request is about; a template (workflow/prompts/<set>.yaml) makes a request of it; an engine
answers, offline in vLLM or over an endpoint; the cache keeps each answer under the hash of its prompt, model and sampling; a set's module
(workflow/scripts/synthetic/<set>.py) says which seeds there are and which answers are kept. Datasets read the kept ones.
"""
