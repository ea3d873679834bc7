"""Labels that come late, the predictions that they are about, and how good these were.

label            what a label says (schemas/label), label_file reads them from a file
label_log        into PostgreSQL: every label, the current one of each prediction, what is still waiting
rows             the predictions of a window with their labels; slices from the scoring log
auroc, log_loss, confusion, … one figure a file; interval says how sure it is
quality          figures of a window by version, variant and slice: the records `quality`; fairness compares groups
"""
