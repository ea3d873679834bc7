-- "Who is most at risk?" is answered from this index. It costs the writer: a new score is a new entry in every index. Where nobody asks,
-- it may be dropped; no migration makes it again.
CREATE INDEX current_prediction_risk ON current_prediction (deployment, score DESC);

-- Rows are updated all the time: dead ones are cleared away after one in twenty instead of one in five, so that few are met on the way.
ALTER TABLE current_prediction SET (autovacuum_vacuum_scale_factor = 0.05);
