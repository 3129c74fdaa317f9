package dev.gatun.models.seq2seq;

import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationRun;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.runtime.Workers;
import java.lang.ref.Cleaner;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * One text's answer as a stream, and the session that it is computed in. The stream's consumer sees an iterator that holds this; this does
 * not hold the iterator, so that a stream which nobody reads any more, {@code findFirst()} without close, gives its session back.
 */
final class PieceStream implements AutoCloseable {
    private static final Cleaner ABANDONED = Cleaner.create();

    private final Workers<GenerationSession> workers;
    private final GenerationSession session;
    private final boolean wide;
    private final SequenceTokenizer tokenizer;
    private final ArrayDeque<String> pieces = new ArrayDeque<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private int[] ids = {};
    private int told;
    private GenerationRun run;
    private boolean more = true;

    /** @param session of the workers', given back by {@link #close} */
    PieceStream(Workers<GenerationSession> workers, GenerationSession session, boolean wide, SequenceTokenizer tokenizer) {
        this.workers = workers;
        this.session = session;
        this.wide = wide;
        this.tokenizer = tokenizer;
    }

    /** Begins; if that fails, the session is given back. */
    Stream<String> start(int[] source, GenerationOptions options) {
        try {
            run = session.start(List.of(source), options, (at, sequence, token) -> sequence != 0 || pieces.add(grown(token)));
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
        Pieces iterator = new Pieces(this);
        ABANDONED.register(iterator, this::close);
        return StreamSupport.stream(iterator, false).onClose(this::close).filter(piece -> !piece.isEmpty());
    }

    /** What one more token adds to the text; what is half a character waits for its other half. */
    private String grown(int token) {
        ids = Arrays.copyOf(ids, ids.length + 1);
        ids[ids.length - 1] = token;
        String all = tokenizer.decode(ids);
        if (all.length() <= told || all.endsWith("\uFFFD")) {
            return "";
        }
        String more = all.substring(told);
        told = all.length();
        return more;
    }

    /** The next piece, or null after the last. */
    private String next() {
        while (pieces.isEmpty() && more && !closed.get()) {
            more = workers.call(wide, run::step);
            if (!more) {
                close();
            }
        }
        return pieces.poll();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            if (run != null) {
                run.close();
            }
            workers.close(session);
        }
    }

    private static final class Pieces extends Spliterators.AbstractSpliterator<String> {
        private final PieceStream of;

        Pieces(PieceStream of) {
            super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL);
            this.of = of;
        }

        @Override
        public boolean tryAdvance(Consumer<? super String> action) {
            String piece = of.next();
            if (piece != null) {
                action.accept(piece);
            }
            return piece != null;
        }
    }
}
