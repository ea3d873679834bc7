-- Predictions by where their event came from: asked for rejected events (which have a prediction by now?) and for replayed
-- ones (has their address a prediction already?). Without the topic, which is one of few, the index has less than half the size, and
-- an address is found as fast. Writers wait while it is made.
CREATE INDEX prediction_address ON prediction (source_partition, source_offset);
