package dev.gatun.bench.service;

/** What a service calls from its virtual threads. */
interface Embedder extends AutoCloseable {
    /** The engine and its version. */
    String version();

    /** The vector of a text. */
    float[] embed(String text) throws Exception;

    @Override
    void close() throws Exception;
}
