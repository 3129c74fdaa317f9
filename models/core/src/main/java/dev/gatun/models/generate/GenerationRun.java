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
    private final GenerativeModel.Tokens tokens;
    private final List<int[]> sources;
    private final PackedSequences packed;
    private final Search.Rules rules;
    private final LogitsProcessors processors;
    private final Sampler sampler;
    private final int rowsPerSource;
    private final int ranks;
    private final List<Search> active = new ArrayList<>();
    private final List<List<Generated>> results;
    private int next;
    private int activeRows;
    private boolean closed;
    private boolean stepping;
    private Search.Scores scores;

    GenerationRun(GenerationSession session, List<int[]> sources, GenerationOptions options, TokenListener listener) {
        this.session = session;
        this.tokens = session.model().tokens();
        // Copies: their owner may change them while they are waiting here.
        this.sources = sources.stream().map(int[]::clone).toList();
        this.packed = session.model().packing();
        int maxLength = options.maxLength() == 0 ? tokens.maxPositions() : options.maxLength();
        SourceChecks.check(options, maxLength, tokens, session.maxRows());
        SourceChecks.check(this.sources, tokens);
        int[][] stops = options.stopSequences().stream().map(s -> s.stream().mapToInt(Integer::intValue).toArray()).toArray(int[][]::new);
        this.rules = new Search.Rules(options, tokens, maxLength, stops, listener, session.pool());
        this.processors = new LogitsProcessors(options, tokens, maxLength);
        this.rowsPerSource = Math.max(options.numBeams(), options.numReturnSequences());
        this.ranks = ranks(options);
        this.sampler = options.doSample() ? new Sampler(options.temperature(), options.topP(), ranks) : null;
        this.results = new ArrayList<>(java.util.Collections.nCopies(sources.size(), null));
    }

    private int ranks(GenerationOptions options) {
        int wanted = 1;
        if (options.numBeams() > 1) {
            wanted = 2 * options.numBeams();
        } else if (options.doSample()) {
            wanted = options.topK() > 0 ? options.topK() : options.topP() < 1 ? tokens.vocabSize() : 1;
        }
        return Math.min(wanted, tokens.vocabSize());
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
                length += sources.get(next++).length;
                count++;
                activeRows += rowsPerSource;
            } while (next < sources.size() && session.maxRows() - activeRows >= rowsPerSource
                    && length + sources.get(next).length <= session.model().chunkTokens());
            encode(first, count, length);
        }
    }

    private void encode(int first, int count, int length) {
        BoundPlan plan = session.encoder(length);
        MemorySegment sequences = plan.input(GenerativeModel.SOURCE_SEQUENCES).segment();
        MemorySegment tables = plan.state(GenerativeModel.SOURCE_TABLES).segment();
        List<int[]> chunk = sources.subList(first, first + count);
        PackedSequences.begin(sequences);
        for (int i = 0; i < count; i++) {
            int sourceLength = chunk.get(i).length;
            BlockTable table = session.pool().takeSource();
            active.add(rules.options().numBeams() > 1
                    ? new BeamSearch(first + i, sourceLength, table, rules)
                    : new GreedySearch(first + i, sourceLength, table, rules, sampler));
            table.reserve(sourceLength);
            tables.setAtIndex(ValueLayout.JAVA_LONG, i, table.address());
            PackedSequences.add(sequences, sourceLength);
        }
        MemorySegment ids = plan.input(GenerativeModel.SOURCE_IDS).segment();
        packed.ids(chunk, ids);
        packed.positions(sequences, ids, plan.input(GenerativeModel.SOURCE_POSITIONS).segment());
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
        ranking.topK(logits, rows, ranks);
        if (scores == null || !scores.logits().equals(logits) || scores.ranked() != ranking) {
            scores = new Search.Scores(logits, ranking, ranks);
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
                sourceLengths.setAtIndex(ValueLayout.JAVA_INT, row, search.sourceLength);
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
                float logSumExp = ranking.logSumExp(row);
                if (!Float.isFinite(logSumExp)) {
                    throw new GenerationException(search.source, search.live[j].length,
                            "the model's scores are not numbers (NaN or infinite); its weights are damaged");
                }
                processors.process(logits, row, search.live[j], logSumExp, search.probabilities());
            }
        }
    }

    private void advance() {
        int row = 0;
        int kept = 0;
        for (int i = 0; i < active.size(); i++) {
            Search search = active.get(i);
            int rows = search.liveCount;
            search.advance(scores, row);
            row += rows;
            if (search.liveCount == 0) {
                results.set(search.source, search.results());
                search.release(session.pool());
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
                active.forEach(search -> search.release(session.pool()));
            }
            active.clear();
            session.finished(this);
        }
    }
}
