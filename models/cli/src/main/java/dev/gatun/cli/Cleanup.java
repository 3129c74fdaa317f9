package dev.gatun.cli;

import java.io.IOException;

/** Closes a file that is being written if the process is told to end (SIGTERM, Ctrl-C), so that no part of it stays by accident. */
final class Cleanup implements AutoCloseable {
    /** Whether the process is ending: what fails now need not be told. */
    private static volatile boolean ending;

    private final Thread hook;

    /** What is closed. */
    interface Closing {
        void close() throws IOException;
    }

    Cleanup(Closing file) {
        hook = new Thread(() -> {
            ending = true;
            try {
                file.close();
            } catch (IOException e) {
                System.err.println("gatun: " + e);
            }
        });
        Runtime.getRuntime().addShutdownHook(hook);
    }

    static boolean isEnding() {
        return ending;
    }

    @Override
    public void close() {
        if (!ending) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                ending = true;
            }
        }
    }
}
