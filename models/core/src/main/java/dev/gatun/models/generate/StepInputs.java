package dev.gatun.models.generate;

import dev.gatun.tensor.exec.BoundPlan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What a plan of steps reads: a token of a sequence in each row. Filling it makes no objects. */
record StepInputs(BoundPlan plan, GenerativeModel model, MemorySegment ids, MemorySegment positions, MemorySegment lengths,
        MemorySegment tables, MemorySegment sourceLengths, MemorySegment sourceTables) {

    static StepInputs of(BoundPlan plan, GenerativeModel model) {
        return new StepInputs(plan, model, plan.input(GenerativeModel.STEP_IDS).segment(),
                plan.input(GenerativeModel.STEP_POSITIONS).segment(), plan.input(GenerativeModel.STEP_LENGTHS).segment(),
                plan.state(GenerativeModel.STEP_TABLES).segment(), plan.input(GenerativeModel.STEP_SOURCE_LENGTHS).segment(),
                plan.state(GenerativeModel.STEP_SOURCE_TABLES).segment());
    }

    /** The sequence's token {@code at} goes to a row, and into the cache. */
    void put(int row, Sequence sequence, int at, BlockTable source, int sourceLength) {
        sequence.table.makeWritable(at);
        ids.setAtIndex(ValueLayout.JAVA_INT, row, sequence.ids[at]);
        positions.setAtIndex(ValueLayout.JAVA_INT, row, model.position(sequence.ids[at], at));
        lengths.setAtIndex(ValueLayout.JAVA_INT, row, at + 1);
        tables.setAtIndex(ValueLayout.JAVA_LONG, row, sequence.table.address());
        sourceLengths.setAtIndex(ValueLayout.JAVA_INT, row, sourceLength);
        sourceTables.setAtIndex(ValueLayout.JAVA_LONG, row, source.address());
    }

    /** The rows that fill the plan are computed too: what lies there is another step's. */
    void clearFrom(int row) {
        for (long rest = row; rest < ids.byteSize() / Integer.BYTES; rest++) {
            ids.setAtIndex(ValueLayout.JAVA_INT, rest, 0);
            positions.setAtIndex(ValueLayout.JAVA_INT, rest, 0);
            lengths.setAtIndex(ValueLayout.JAVA_INT, rest, 0);
            sourceLengths.setAtIndex(ValueLayout.JAVA_INT, rest, 0);
        }
    }
}
