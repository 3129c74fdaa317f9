package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.tensor.exec.BoundPlan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/** A generation under way: {@link #step} decodes one token for every active sequence. {@link #close} frees its part of the cache. */
public final class GenerationRun implements AutoCloseable {
    private final GenerationSession session;
    private final List<Source> sources;
    private final List<Target> targets = new ArrayList<>();
    private final Rules rules;
    private final Processing processing;
    private final int rowsPerSource;
    private final int ranks;
    private final List<Search> active = new ArrayList<>();
    private final List<List<Generated>> results;
    private int next;
    private int activeRows;
    private boolean closed;
    private boolean stepping;
    private Search.Scores scores;

    GenerationRun(GenerationSession session, List<? extends Source> sources, GenerationOptions options, TokenListener listener) {
        GenerativeModel.Tokens tokens = session.model().tokens();
        this.session = session;
        this.sources = List.copyOf(sources);
        this.rules = new Rules(options, tokens.vocabSize(), tokens.eosIds(), tokens.decoderStart(), tokens.maxPositions(), listener,
                session.pool());
        this.rowsPerSource = Math.max(options.numBeams(), options.numReturnSequences());
        SourceChecks.check(this.sources, tokens);
        rules.check(this.sources.stream().allMatch(source -> source.ids() != null));
        if (rowsPerSource > session.maxRows()) {
            throw new IllegalArgumentException(rowsPerSource + " sequences of one source are more than the session's " + session.maxRows()
                    + " rows");
        }
        for (int i = 0; i < this.sources.size(); i++) {
            targets.add(rules.target(i, this.sources.get(i).ids(), this.sources.get(i).prompt()));
        }
        this.processing = new Processing(rules, session.maxRows());
        this.ranks = Search.ranks(rules);
        this.results = new ArrayList<>(java.util.Collections.nCopies(sources.size(), null));
    }

    /**
     * Decodes one token for every active sequence, after waiting sources have taken the places that are free.
     *
     * @return whether there is more to do
     * @throws GenerationException   if the model's scores are not numbers
     * @throws IllegalStateException if this run, the session or the model is closed
     * @throws CancellationException if the thread is interrupted
     */
    public synchronized boolean step() {
        if (closed) {
            throw new IllegalStateException("this generation is closed");
        }
        session.enter();
        stepping = true;
        try {
            if (Thread.currentThread().isInterrupted()) {
                throw new CancellationException("interrupted while generating");
            }
            // A few at a time: encoding wants packed batches, decoding full ones.
            if (active.isEmpty() || session.maxRows() - activeRows >= Math.max(rowsPerSource, session.maxRows() / 4)) {
                admit();
            }
            if (!active.isEmpty()) {
                decode();
            }
            return !active.isEmpty() || next < sources.size();
        } finally {
            stepping = false;
            session.exit();
        }
    }

    private void admit() {
        while (next < sources.size() && session.maxRows() - activeRows >= rowsPerSource) {
            int first = next;
            int count = 0;
            int length = 0;
            do {
                length += sources.get(next++).length();
                count++;
                activeRows += rowsPerSource;
            } while (next < sources.size() && session.maxRows() - activeRows >= rowsPerSource
                    && length + sources.get(next).length() <= session.model().chunkTokens());
            encode(first, count, length);
        }
    }

    private void encode(int first, int count, int length) {
        BoundPlan plan = session.encoder(length);
        MemorySegment sequences = plan.input(GenerativeModel.SOURCE_SEQUENCES).segment();
        MemorySegment tables = plan.state(GenerativeModel.SOURCE_TABLES).segment();
        List<Source> chunk = sources.subList(first, first + count);
        PackedSequences.begin(sequences);
        for (int i = 0; i < count; i++) {
            int sourceLength = chunk.get(i).length();
            BlockTable table = session.pool().takeSource();
            active.add(Search.of(rules, targets.get(first + i), table));
            table.reserve(sourceLength);
            tables.setAtIndex(ValueLayout.JAVA_LONG, i, table.address());
            PackedSequences.add(sequences, sourceLength);
        }
        session.model().fill(plan, chunk);
        plan.execute();
    }

    private void decode() {
        int rows = 0;
        for (int i = 0; i < active.size(); i++) {
            rows += active.get(i).liveCount;
        }
        BoundPlan plan = session.step(rows);
        fill(plan);
        plan.execute();
        MemorySegment logits = plan.output(GenerativeModel.LOGITS).segment();
        Logits ranking = session.ranking(ranks);
        ranking.logSumExp(logits, rows);
        process(logits, ranking);
        float[] normalizers = processing.normalizers(logits, ranking, rows);
        ranking.topK(logits, rows, ranks);
        if (scores == null || !scores.logits().equals(logits) || scores.ranked() != ranking) {
            scores = new Search.Scores(logits, ranking, ranks, normalizers);
        }
        advance();
    }

    private void fill(BoundPlan plan) {
        MemorySegment ids = plan.input(GenerativeModel.STEP_IDS).segment();
        MemorySegment positions = plan.input(GenerativeModel.STEP_POSITIONS).segment();
        MemorySegment lengths = plan.input(GenerativeModel.STEP_LENGTHS).segment();
        MemorySegment tables = plan.state(GenerativeModel.STEP_TABLES).segment();
        MemorySegment sourceLengths = plan.input(GenerativeModel.STEP_SOURCE_LENGTHS).segment();
        MemorySegment sourceTables = plan.state(GenerativeModel.STEP_SOURCE_TABLES).segment();
        int row = 0;
        for (int i = 0; i < active.size(); i++) {
            Search search = active.get(i);
            for (int j = 0; j < search.liveCount; j++, row++) {
                Sequence sequence = search.live[j];
                sequence.table.makeWritable(sequence.length - 1);
                ids.setAtIndex(ValueLayout.JAVA_INT, row, sequence.ids[sequence.length - 1]);
                int at = sequence.length - 1;
                positions.setAtIndex(ValueLayout.JAVA_INT, row, session.model().position(sequence.ids[at], at));
                lengths.setAtIndex(ValueLayout.JAVA_INT, row, sequence.length);
                tables.setAtIndex(ValueLayout.JAVA_LONG, row, sequence.table.address());
                sourceLengths.setAtIndex(ValueLayout.JAVA_INT, row, sources.get(search.target.source()).length());
                sourceTables.setAtIndex(ValueLayout.JAVA_LONG, row, search.sourceTable.address());
            }
        }
        // The rows that fill the plan are computed too: what lies there is another plan's.
        for (long rows = ids.byteSize() / Integer.BYTES; row < rows; row++) {
            ids.setAtIndex(ValueLayout.JAVA_INT, row, 0);
            positions.setAtIndex(ValueLayout.JAVA_INT, row, 0);
            lengths.setAtIndex(ValueLayout.JAVA_INT, row, 0);
            sourceLengths.setAtIndex(ValueLayout.JAVA_INT, row, 0);
        }
    }

    private void process(MemorySegment logits, Logits ranking) {
        int row = 0;
        for (int i = 0; i < active.size(); i++) {
            Search search = active.get(i);
            for (int j = 0; j < search.liveCount; j++, row++) {
                processing.process(logits, ranking, row, search.live[j]);
            }
        }
    }

    private void advance() {
        int row = 0;
        int kept = 0;
        for (int i = 0; i < active.size(); i++) {
            Search search = active.get(i);
            int rows = search.liveCount;
            search.step(scores, row);
            row += rows;
            if (search.liveCount == 0) {
                results.set(search.target.source(), search.results());
                search.release();
                activeRows -= rowsPerSource;
            } else {
                active.set(kept++, search);
            }
        }
        while (active.size() > kept) {
            active.removeLast();
        }
    }

    /**
     * For each source its sequences, best first.
     *
     * @throws IllegalStateException if the run has not ended
     */
    public List<List<Generated>> results() {
        if (next < sources.size() || !active.isEmpty() || results.contains(null)) {
            throw new IllegalStateException("the generation has not ended");
        }
        return List.copyOf(results);
    }

    /** How many sources are done. */
    public int finishedSources() {
        return next - active.size();
    }

    /**
     * Ends the run once no step is under way, and gives its part of the cache back. Closing twice is harmless.
     *
     * @throws IllegalStateException if a listener asks for it: it ends the sequence by what it returns
     */
    @Override
    public synchronized void close() {
        if (stepping) {
            throw new IllegalStateException("a token listener cannot close the generation that calls it: let it return false");
        }
        if (!closed) {
            closed = true;
            if (!session.isClosed()) {
                active.forEach(Search::release);
            }
            active.clear();
            session.finished(this);
        }
    }
}
