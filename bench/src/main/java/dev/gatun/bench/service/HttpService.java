package dev.gatun.bench.service;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.gatun.bench.harness.Contender;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/** An embedder behind the JDK's HTTP server, a virtual thread for each request, and its clients. */
final class HttpService implements Contender {
    /** Texts whose vectors are compared between engines. */
    private static final int COMPARED = 8;

    private final Embedder embedder;
    private final List<String> texts;
    private final int clients;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpClient client = HttpClient.newBuilder().executor(threads).version(HttpClient.Version.HTTP_1_1).build();
    private final URI address;

    static {
        // Otherwise an answer in two packets waits 40 ms for the acknowledgement of its first.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    /**
     * Starts the server.
     *
     * @param texts   are sent in turn
     * @param clients that send one request after the other in a run
     */
    HttpService(Embedder embedder, List<String> texts, int clients) throws IOException {
        this.embedder = embedder;
        this.texts = texts;
        this.clients = clients;
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1024);
        server.setExecutor(threads);
        server.createContext("/", this::serve);
        server.start();
        this.address = URI.create("http://" + server.getAddress().getHostString() + ":" + server.getAddress().getPort() + "/");
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            float[] vector = embedder.embed(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES);
            bytes.asFloatBuffer().put(vector);
            exchange.sendResponseHeaders(200, bytes.capacity());
            exchange.getResponseBody().write(bytes.array());
        } catch (Exception e) {
            exchange.sendResponseHeaders(500, -1);
        }
    }

    private float[] request(String text) {
        try {
            HttpRequest post = HttpRequest.newBuilder(address).POST(HttpRequest.BodyPublishers.ofString(text)).build();
            HttpResponse<byte[]> answer = client.send(post, HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 200) {
                throw new IllegalStateException("status " + answer.statusCode());
            }
            float[] vector = new float[answer.body().length / Float.BYTES];
            ByteBuffer.wrap(answer.body()).asFloatBuffer().get(vector);
            return vector;
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String version() {
        return embedder.version();
    }

    /** Every text once, by clients that send the next when they have an answer. */
    @Override
    public void run() {
        AtomicInteger next = new AtomicInteger();
        join(IntStream.range(0, clients).<Future<?>>mapToObj(c -> threads.submit(() -> {
            for (int i = next.getAndIncrement(); i < texts.size(); i = next.getAndIncrement()) {
                request(texts.get(i));
            }
        })).toList());
    }

    /** Requests come at random, whether or not those before have an answer. */
    @Override
    public long[] load(double rate, double seconds) {
        int count = (int) Math.ceil(rate * seconds);
        long[] latencies = new long[count];
        Random random = new Random(7);
        long start = System.nanoTime();
        double arrival = 0;
        Future<?>[] requests = new Future<?>[count];
        for (int i = 0; i < count; i++, arrival -= Math.log(1 - random.nextDouble()) / rate) {
            long due = start + (long) (arrival * 1e9);
            for (long early = due - System.nanoTime(); early > 0; early = due - System.nanoTime()) {
                LockSupport.parkNanos(early);
            }
            int at = i;
            requests[i] = threads.submit(() -> {
                request(texts.get(at % texts.size()));
                latencies[at] = System.nanoTime() - due;
            });
        }
        join(List.of(requests));
        return latencies;
    }

    private static void join(List<Future<?>> futures) {
        for (Future<?> future : futures) {
            try {
                future.get();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public float[] output() {
        ByteBuffer all = ByteBuffer.allocate(1 << 20);
        texts.subList(0, COMPARED).forEach(text -> {
            for (float v : request(text)) {
                all.putFloat(v);
            }
        });
        float[] values = new float[all.position() / Float.BYTES];
        all.flip().asFloatBuffer().get(values);
        return values;
    }

    @Override
    public void close() {
        client.close();
        server.stop(0);
        threads.close();
        try {
            embedder.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
