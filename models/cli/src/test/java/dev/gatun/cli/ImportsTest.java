package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md, held to by what the compiled classes refer to. */
class ImportsTest {
    /** A package may import those of lines above its own; nothing on its own line but itself. */
    private static final List<List<String>> STOREYS = List.of(
            List.of("bindings.loader"),
            List.of("bindings.onednn", "bindings.openblas", "bindings.kernels"),
            List.of("tensor"),
            List.of("tensor.weights"),
            List.of("tensor.op"),
            List.of("tensor.kernel"),
            List.of("tensor.exec"),
            List.of("tensor.graph"),
            List.of("tensor.graph.pass"),
            List.of("models.hub", "models.generate.logits", "models.generate.sample"),
            List.of("models.checkpoint", "models.io", "models.image", "models.layer", "models.runtime"),
            List.of("models.audio", "models.tokenize", "models.encode", "models.vision", "models.generate", "models.train", "models.onnx"),
            List.of("models.checkpoint.sentence", "models.seq2seq"),
            List.of("models.family.*"),
            List.of("models.registry"),
            List.of("models.task.*"),
            List.of("models.catalog"),
            List.of("cli"));

    /** Arrows that still point the wrong way, by class, and why. */
    private static final Map<String, String> EXCEPTIONS = Map.of(
            "tensor.weights.RecurrentWeights", "takes its sizes from the operation's record; they belong beside the weights",
            "models.layer.RecurrentStack", "finds its weights in a checkpoint by PyTorch's names, as families do");

    private static final Pattern CLASS_NAME = Pattern.compile("dev/gatun/[\\w/$]+");
    private static final Pattern RESTRICTED = Pattern.compile("java/lang/foreign/(MemorySegment\\.reinterpret"
            + "|Linker\\.(downcallHandle|upcallStub)|SymbolLookup\\.libraryLookup|AddressLayout\\.withTargetLayout)"
            + "|java/lang/(System|Runtime)\\.load(Library)?|java/lang/ModuleLayer\\$Controller\\.enableNativeAccess");

    @Test
    void importsPointOneWay() throws IOException {
        Set<String> wrong = new TreeSet<>();
        classes((name, model) -> {
            String from = packageOf(name);
            int storey = storey(from, wrong);
            references(model, other -> {
                String to = packageOf(other);
                if (!to.equals(from) && storey(to, wrong) >= storey && !EXCEPTIONS.containsKey(outermost(name))) {
                    wrong.add(outermost(name) + " imports " + outermost(other));
                }
            });
        });
        assertEquals(Set.of(), wrong);
    }

    @Test
    void onlyBindingsCallRestrictedMethods() throws IOException {
        Set<String> calls = new TreeSet<>();
        classes((name, model) -> {
            for (PoolEntry entry : model.constantPool()) {
                if (entry instanceof MemberRefEntry member) {
                    String method = member.owner().asInternalName() + "." + member.name().stringValue();
                    if (RESTRICTED.matcher(method).matches()) {
                        calls.add(packageOf(name).replaceAll("\\..*", ""));
                    }
                }
            }
        });
        assertEquals(Set.of("bindings"), calls);
    }

    private static int storey(String name, Set<String> wrong) {
        for (int i = 0; i < STOREYS.size(); i++) {
            if (STOREYS.get(i).contains(name) || STOREYS.get(i).contains(name.replaceAll("\\.\\w+$", ".*"))) {
                return i;
            }
        }
        wrong.add(name + " has no storey: give it one in ImportsTest and docs/architecture.md");
        return -1;
    }

    private static void references(ClassModel model, java.util.function.Consumer<String> name) {
        for (PoolEntry entry : model.constantPool()) {
            // Descriptors and signatures begin with one of these; other texts are no references.
            String text = entry instanceof ClassEntry type ? type.asInternalName()
                    : entry instanceof Utf8Entry utf8 && utf8.stringValue().matches("[(L<\\[].*") ? utf8.stringValue() : "";
            Matcher found = CLASS_NAME.matcher(text);
            while (found.find()) {
                name.accept(dots(found.group()));
            }
        }
    }

    private static void classes(BiConsumer<String, ClassModel> visitor) throws IOException {
        int seen = 0;
        for (Class<?> one : List.of(Checkpoint.class, Gatun.class, Tensor.class, dev.gatun.bindings.loader.NativeLibraries.class)) {
            Path origin = Path.of(URI.create(one.getProtectionDomain().getCodeSource().getLocation().toString()));
            if (Files.isDirectory(origin)) {
                seen += visit(origin, visitor);
            } else {
                try (FileSystem jar = FileSystems.newFileSystem(origin)) {
                    seen += visit(jar.getPath("/"), visitor);
                }
            }
        }
        assertTrue(seen > 300, seen + " classes");
    }

    private static int visit(Path root, BiConsumer<String, ClassModel> visitor) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            List<Path> classes = files.filter(f -> f.toString().endsWith(".class") && !f.toString().endsWith("-info.class")
                    && !f.toString().contains("/gen/")).toList();
            for (Path file : classes) {
                ClassModel model = ClassFile.of().parse(Files.readAllBytes(file));
                visitor.accept(dots(model.thisClass().asInternalName()), model);
            }
            return classes.size();
        }
    }

    private static String dots(String internal) {
        return internal.substring("dev/gatun/".length()).replace('/', '.');
    }

    private static String packageOf(String name) {
        return name.substring(0, name.lastIndexOf('.')).replaceAll("\\.gen$", "");
    }

    private static String outermost(String name) {
        return name.replaceAll("\\$.*", "");
    }
}
