package dev.gatun.models.hostile;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.family.cnn.TextbookCnn;
import dev.gatun.models.family.cnn.TextbookCnnConfig;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.RandomModels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/** In a process of its own: calls everything that two modules export, in ways that nobody should. Prints each call before it is made. */
final class HostileCalls {
    private static final long HANG_NANOS = 20_000_000_000L;
    private static final List<Class<?>> DOCUMENTED =
            List.of(IllegalArgumentException.class, IllegalStateException.class, NullPointerException.class,
            IndexOutOfBoundsException.class, UnsupportedOperationException.class, IOException.class, UncheckedIOException.class,
            OutOfMemoryError.class, WrongThreadException.class);
    private static volatile long began;
    private static volatile String current = "";

    private final Random random;
    private final Values values;
    private final List<Executable> calls = new ArrayList<>();

    private HostileCalls(long seed, Path folder) throws Exception {
        this.random = new Random(seed);
        this.values = new Values(random, List.of(folder, folder.resolve("missing"), folder.resolve("file"),
                folder.resolve("model.safetensors")));
        Files.writeString(folder.resolve("file"), "{\"a\": 1}");
        Files.write(folder.resolve("model.safetensors"), new byte[16]);
        for (Class<?> each : new Class<?>[] {Tensor.class, Program.class}) {
            exported(each);
        }
    }

    public static void main(String[] args) throws Exception {
        watch();
        new HostileCalls(Long.parseLong(args[0]), Path.of(args[2])).run(Integer.parseInt(args[1]));
        System.exit(0);
    }

    private static void watch() {
        Thread watcher = new Thread(() -> {
            while (true) {
                try {
                    Thread.sleep(500);
                } catch (InterruptedException e) {
                    return;
                }
                // Read once: it becomes 0 when the call ends.
                long since = began;
                if (since != 0 && System.nanoTime() - since > HANG_NANOS) {
                    System.out.println("HANG " + current);
                    Thread.getAllStackTraces().forEach((thread, stack) -> System.out.println(thread + " " + Arrays.toString(stack)));
                    Runtime.getRuntime().halt(3);
                }
            }
        });
        watcher.setDaemon(true);
        watcher.start();
    }

    /** Public calls of public classes in packages that a module exports to everybody. */
    private void exported(Class<?> of) throws Exception {
        Path home = Path.of(of.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (FileSystem jar = Files.isDirectory(home) ? null : FileSystems.newFileSystem(URI.create("jar:" + home.toUri()), Map.of())) {
            Path root = jar == null ? home : jar.getPath("/");
            ModuleDescriptor module;
            try (var in = Files.newInputStream(root.resolve("module-info.class"))) {
                module = ModuleDescriptor.read(in);
            }
            for (ModuleDescriptor.Exports exports : module.exports()) {
                if (exports.isQualified()) {
                    continue;
                }
                try (Stream<Path> files = Files.list(root.resolve(exports.source().replace('.', '/')))) {
                    for (Path file : files.filter(f -> f.toString().endsWith(".class")).sorted().toList()) {
                        add(Class.forName(exports.source() + "." + file.getFileName().toString().replace(".class", "")));
                    }
                }
            }
        }
    }

    private void add(Class<?> c) {
        if (!Modifier.isPublic(c.getModifiers()) || c.isAnonymousClass() || c.getEnclosingClass() != null
                && !Modifier.isPublic(c.getEnclosingClass().getModifiers())) {
            return;
        }
        if (!Modifier.isAbstract(c.getModifiers())) {
            calls.addAll(Arrays.asList(c.getConstructors()));
        }
        Arrays.stream(c.getDeclaredMethods()).filter(m -> Modifier.isPublic(m.getModifiers()) && !m.isSynthetic()).forEach(calls::add);
    }

    private void run(int count) throws Exception {
        calls.sort(java.util.Comparator.comparing(Executable::toGenericString));
        System.out.println("calls " + calls.size());
        for (int i = 0; i < count; i++) {
            if (i % 1500 == 0) {
                seed();
            }
            // Every call in turn, then again: methods of what nobody has made yet are called when there is one.
            call(calls.get((i * 7919) % calls.size()), i % 16 == 15);
        }
        System.out.println("DONE");
    }

    /** Valid objects to begin with. */
    private void seed() throws Exception {
        Arena arena = Arena.ofShared();
        GraphBuilder g = new GraphBuilder("net");
        Port x = g.input("x", Spec.of(DataType.F32, "n", 8));
        g.output("y", g.add("fc", new Linear(new Weight("w", Tensor.ofFloats(arena, new float[24], 3, 8)), null), x));
        Program program = Program.load(g.build());
        Encoder encoder = Encoders.load(Goldens.path("families/bert"), Head.pooled(Pooling.MEAN, true));
        Seq2SeqModel model = RandomModels.create(37, 16, 2, 32, 0);
        var cnn = TextbookCnn.load(WeightScope.of(GeneratedWeights.textbook(arena)), TextbookCnnConfig.DEFAULT);
        for (Object seed : new Object[] {g, g.build(), x, program, program.newSession(1), encoder, encoder.newSession(1), model,
            new GenerationSession(model, 1), cnn, cnn.newSession(1), Tensor.ofFloats(arena, new float[32], 4, 8),
            Tensor.ofInts(arena, new int[] {1, 0, 3, 2}, 4), TensorDesc.of(DataType.F32, 4, 8), TensorDesc.of(DataType.S32, 4),
            TensorDesc.of(DataType.F32, 1, 3, 8, 8)}) {
            values.keep(seed);
        }
    }

    private void call(Executable call, boolean twice) throws InterruptedException {
        Object target = null;
        if (call instanceof Method method && !Modifier.isStatic(method.getModifiers())) {
            target = values.kept(method.getDeclaringClass());
            if (target == null) {
                return;
            }
        }
        Object[] arguments = values.arguments(call, 2);
        Object on = target;
        current = call.toGenericString();
        System.out.println("CALL " + current + " " + text(arguments));
        began = System.nanoTime();
        Thread other = twice ? Thread.ofPlatform().start(() -> invoke(call, on, arguments)) : null;
        values.keep(invoke(call, target, arguments));
        if (other != null) {
            other.join();
        }
        began = 0;
    }

    private static String text(Object[] arguments) {
        StringBuilder text = new StringBuilder();
        for (Object argument : arguments) {
            String one;
            try {
                one = argument == null || argument.getClass().getName().startsWith("java.lang.") ? String.valueOf(argument)
                        : argument.getClass().getSimpleName();
            } catch (RuntimeException e) {
                one = "?";
            }
            text.append(one, 0, Math.min(40, one.length())).append("; ");
        }
        return text.toString();
    }

    private static Object invoke(Executable call, Object target, Object[] arguments) {
        try {
            return call instanceof Constructor<?> constructor ? constructor.newInstance(arguments)
                    : ((Method) call).invoke(target, arguments);
        } catch (InvocationTargetException e) {
            Throwable found = e.getCause();
            // The JDK's segments happen to be functions of their own: whoever is handed one as a function calls that.
            boolean segment = found instanceof ClassCastException && found.getStackTrace().length > 0
                    && found.getStackTrace()[0].getClassName().startsWith("jdk.internal.foreign");
            if (!segment && DOCUMENTED.stream().noneMatch(type -> type.isInstance(found))
                    && !found.getClass().getName().startsWith("dev.gatun.")) {
                System.out.println("UNDOCUMENTED " + found + " of " + call.toGenericString());
                found.printStackTrace(System.out);
            }
            return null;
        } catch (ReflectiveOperationException | IllegalArgumentException e) {
            return null;
        }
    }
}
