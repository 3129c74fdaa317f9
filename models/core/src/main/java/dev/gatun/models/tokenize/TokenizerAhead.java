package dev.gatun.models.tokenize;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/**
 * A folder's tokenizer that is loaded by a thread of its own while its owner loads weights, which takes about as long. Owns the tokenizer
 * until it is {@linkplain #cut taken}. One thread.
 */
public final class TokenizerAhead implements AutoCloseable {
    private final FutureTask<TextTokenizer> loading;
    private boolean taken;

    private TokenizerAhead(Callable<TextTokenizer> load) {
        loading = new FutureTask<>(load);
        Thread.ofPlatform().name("gatun-tokenizer").daemon().start(loading);
    }

    /** Begins with tokenizer.json alone, without the special tokens that it puts around texts. */
    public static TokenizerAhead bare(Path folder) {
        return new TokenizerAhead(() -> TextTokenizer.bare(folder.resolve("tokenizer.json")));
    }

    /**
     * Begins.
     *
     * @param lowerCase whether what is not a special token is lower-cased first, whatever the tokenizer does
     */
    public TokenizerAhead(Path folder, boolean lowerCase) {
        this(() -> TextTokenizer.load(folder, lowerCase));
    }

    /**
     * Waits for it.
     *
     * @return the caller's
     * @throws dev.gatun.models.checkpoint.WeightException if it cannot be loaded, or adds more special tokens than the limit
     */
    public TextTokenizer cut(TextTokenizer.Limit limit) {
        await();
        if (loading.state() == Future.State.SUCCESS) {
            TextTokenizer tokenizer = loading.resultNow();
            tokenizer.cutAt(limit);
            taken = true;
            return tokenizer;
        }
        if (loading.exceptionNow() instanceof RuntimeException failure) {
            throw failure;
        }
        throw (Error) loading.exceptionNow();
    }

    /** Waits for it, and frees it if nobody took it. */
    @Override
    public void close() {
        if (taken) {
            return;
        }
        taken = true;
        await();
        if (loading.state() == Future.State.SUCCESS) {
            loading.resultNow().close();
        }
    }

    private void await() {
        boolean interrupted = false;
        while (!loading.isDone()) {
            try {
                loading.get();
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                break; // its state says so
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
