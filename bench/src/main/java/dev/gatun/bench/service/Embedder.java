package dev.gatun.bench.service;

import java.util.List;

/** What a service calls from its virtual threads. */
interface Embedder extends AutoCloseable {
    /** The engine and its version. */
    String version();

    /** The vector of a text. */
    float[] embed(String text) throws Exception;

    /** What a service does before its first request, with texts like those to come. */
    void warmUp(List<String> texts) throws Exception;

    @Override
    void close() throws Exception;
}
