package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import dev.gatun.tensor.exec.BoundPlan;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * A generation under way: {@link #step} decodes one token for every active sequence, after all of its prompt. {@link #close} frees its
 * part of the cache.
 */
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
    private StepInputs inputs;
    private final Guesser guesser;

    GenerationRun(GenerationSession session, List<? extends Source> sources, GenerationOptions options, TokenListener listener) {
        GenerativeModel.Tokens tokens = session.model().tokens();
        this.session = session;
        this.sources = List.copyOf(sources);
        this.rules = new Rules(options, tokens.vocabSize(), tokens.eosIds(), tokens.decoderStart(), tokens.maxPositions(), listener,
                session.pool());
        this.rowsPerSource = Math.max(options.numBeams(), options.numReturnSequences());
        SourceChecks.check(this.sources, session.model());
        for (Source source : this.sources) {
            if (source instanceof Encoded.Start start) {
                start.encoded().check(session);
            }
        }
        rules.check(session.sharesVocabulary() && this.sources.stream().allMatch(source -> source.ids() != null));
        if (rowsPerSource > session.maxRows()) {
            throw new IllegalArgumentException(rowsPerSource + " sequences of one source are more than the session's " + session.maxRows()
                    + " rows");
        }
        for (int i = 0; i < this.sources.size(); i++) {
            targets.add(rules.target(i, this.sources.get(i).ids(), this.sources.get(i).prompt()));
        }
        this.guesser = session.guesser(options.guess(), rules, this.sources);
        this.processing = new Processing(rules, session.stepRows());
        this.ranks = Search.ranks(rules);
        this.results = new ArrayList<>(java.util.Collections.nCopies(sources.size(), null));
    }

    /**
     * Decodes one token for every active sequence, after waiting sources have taken the places that are free. A prompt is read in one step,
     * or in several if there is no room for it.
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
            if (sources.get(next) instanceof Encoded.Start start) {
                search(start.encoded().share(), next++);
                continue;
            }
            int first = next;
            int length = 0;
            List<BlockTable> tables = new ArrayList<>();
            do {
                length += sources.get(next).length();
                tables.add(search(session.pool().takeSource(), next++));
            } while (next < sources.size() && session.maxRows() - activeRows >= rowsPerSource
                    && !(sources.get(next) instanceof Encoded.Start)
                    && length + sources.get(next).length() <= session.model().chunkTokens());
            session.encode(sources.subList(first, next), tables, length);
        }
    }

    private BlockTable search(BlockTable sourceTable, int source) {
        active.add(Search.of(rules, targets.get(source), sourceTable));
        activeRows += rowsPerSource;
        return sourceTable;
    }

    private void decode() {
        int rows = 0;
        for (int i = 0; i < active.size(); i++) {
            rows += active.get(i).liveCount;
        }
        int all = rows;
        int guessed = 0;
        for (int i = 0; i < active.size(); i++) {
            Search search = active.get(i);
            // Sequences of a source go on in their prompt together.
            int room = (session.stepRows() - all) / search.liveCount;
            for (int j = 0; j < search.liveCount; j++) {
                Sequence sequence = search.live[j];
                all += sequence.extend(room);
                if (guesser != null && sequence.length >= sequence.promptLength()) {
                    sequence.guesses = guesser.guess(sequence, Math.min(session.stepRows() - all,
                            sequence.maxLength() - sequence.length - 1));
                    all += sequence.guesses;
                    guessed += sequence.guesses;
                }
            }
        }
        BoundPlan plan = session.step(all);
        if (inputs == null || inputs.plan() != plan) {
            inputs = StepInputs.of(plan, session.model());
        }
        fill(rows);
        plan.execute();
        MemorySegment logits = plan.output(GenerativeModel.LOGITS).segment();
        Logits ranking = session.ranking(ranks);
        int scored = guessed > 0 ? all : rows;
        ranking.logSumExp(logits, processing.seesPrompt() ? all : scored);
        process(logits, ranking, rows);
        float[] normalizers = processing.normalizers(logits, ranking, scored);
        ranking.topK(logits, scored, ranks);
        // Segments of other sizes are equal where they begin alike.
        if (scores == null || scores.logits().byteSize() != logits.byteSize() || !scores.logits().equals(logits)
                || scores.ranked() != ranking) {
            scores = new Search.Scores(logits, ranking, ranks, normalizers);
        }
        advance();
    }

    /** The last token of each sequence; behind them what is read of prompts before it, and what is guessed to come. */
    private void fill(int rows) {
        int row = 0;
        int before = rows;
        for (int i = 0; i < active.size(); i++) {
            Search search = active.get(i);
            int sourceLength = sources.get(search.target.source()).length();
            for (int j = 0; j < search.liveCount; j++) {
                Sequence sequence = search.live[j];
                for (int at = sequence.fed; at < sequence.length - 1; at++) {
                    inputs.put(before++, sequence, at, search.sourceTable, sourceLength);
                }
                sequence.guessRow = before;
                for (int guess = 0; guess < sequence.guesses; guess++) {
                    inputs.put(before++, sequence, sequence.length + guess, search.sourceTable, sourceLength);
                }
                inputs.put(row++, sequence, sequence.length - 1, search.sourceTable, sourceLength);
            }
        }
        inputs.clearFrom(before);
    }

    private void process(MemorySegment logits, Logits ranking, int rows) {
        int row = 0;
        int before = rows;
        for (int i = 0; i < active.size(); i++) {
            Search search = active.get(i);
            for (int j = 0; j < search.liveCount; j++) {
                Sequence sequence = search.live[j];
                int length = sequence.length;
                for (int at = sequence.fed; processing.seesPrompt() && at < length - 1; at++) {
                    sequence.length = at + 1;
                    processing.process(logits, ranking, before++, sequence);
                }
                // As if all guesses were right: the rows behind a wrong one are not read.
                for (int guess = 0; guess < sequence.guesses; guess++) {
                    sequence.length = length + guess + 1;
                    processing.process(logits, ranking, sequence.guessRow + guess, sequence);
                }
                before = sequence.guesses > 0 ? sequence.guessRow + sequence.guesses : before;
                sequence.length = length;
                processing.process(logits, ranking, row++, sequence);
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
                if (guesser != null) {
                    guesser.end(search.target.source());
                }
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

    /** The plan of the last step: its outputs have a row for each sequence that was under way, until the next step. */
    public BoundPlan lastStep() {
        return inputs.plan();
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
            if (guesser != null) {
                guesser.close();
            }
            session.finished(this);
        }
    }
}
