"""Score events from Kafka with registered models in Spark, and watch how well it goes.

producer        sends events that keep their contract (contracts/, schemas/)
score_events    the job: plan a micro-batch (planner, plan_log), run it (micro_batch), record it (gather)
pipeline        one task of it: steps/ decode ─► validate ─► score, then sinks/ store, rejected topic, scoring log
metrics/        counts and sketches over the bins that models/ froze at training; one record a batch on the metrics topic
detect_drift    the job that reads only that topic: drift/ compares windows with the reference, and raises alerts
truth/          labels that come late; the join_labels job makes figures of quality of them and the store
report/         the page in the terminal and the report in the browser, from the same topic
local/          broker and database on one machine; the demo and its reconciliation
supervise       what keeps both jobs running, and ends them gently; health is what they tell the outside
"""
