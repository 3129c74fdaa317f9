package dev.gatun.models.hostile;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/** Arguments of any type: extremes of numbers, null, closed and foreign memory, what other calls gave, and what public factories make. */
final class Values {
    private static final long[] NUMBERS = {0, 1, 2, 3, 4, 5, 8, 16, 64, -1, 1000, 1 << 20, Integer.MAX_VALUE, Integer.MIN_VALUE, 1L << 32,
            1L << 40,
        Long.MAX_VALUE, Long.MIN_VALUE};
    private static final double[] REALS = {0, 1, -1, 0.5, 1e-5, Double.NaN, Double.POSITIVE_INFINITY, -1e30};
    private static final List<String> TEXTS =
            List.of("", "x", "tokens", "n", "y", "weight", "a\0b", "\ud83d", "[1, 2]", "{}", "x".repeat(10_000));
    private static final int KEPT = 12;

    private final Random random;
    private final List<Path> paths;
    private final Map<Class<?>, List<Object>> pool = new LinkedHashMap<>();
    private final Arena open = Arena.ofShared();
    private final Arena closed = Arena.ofShared();
    private final MemorySegment closedMemory = closed.allocate(64);

    Values(Random random, List<Path> paths) throws IOException {
        this.random = random;
        this.paths = paths;
        closed.close();
    }

    /** Remembers what a call gave. */
    void keep(Object value) {
        if (value == null || value.getClass().getName().startsWith("java.") || value.getClass().isArray()) {
            return;
        }
        List<Object> kept = pool.computeIfAbsent(value.getClass(), c -> new ArrayList<>());
        if (kept.size() < KEPT) {
            kept.add(value);
        } else {
            kept.set(random.nextInt(KEPT), value);
        }
    }

    /** Something of this type that a call gave, or null. */
    Object kept(Class<?> type) {
        List<Object> fitting = new ArrayList<>();
        pool.forEach((c, kept) -> {
            if (type.isAssignableFrom(c)) {
                fitting.addAll(kept);
            }
        });
        return fitting.isEmpty() ? null : fitting.get(random.nextInt(fitting.size()));
    }

    Object[] arguments(Executable call, int depth) {
        Type[] types = call.getGenericParameterTypes();
        if (types.length != call.getParameterCount()) {
            types = call.getParameterTypes();
        }
        Object[] arguments = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            arguments[i] = of(types[i], depth);
        }
        return arguments;
    }

    private Object of(Type type, int depth) {
        return switch (type) {
            case Class<?> c -> of(c, depth);
            case ParameterizedType p -> collection(p, depth);
            case WildcardType w -> of(w.getUpperBounds()[0], depth);
            case TypeVariable<?> v -> of(v.getBounds()[0], depth);
            case GenericArrayType _ -> null;
            default -> random.nextBoolean() ? "x" : null;
        };
    }

    private Object collection(ParameterizedType type, int depth) {
        Class<?> raw = (Class<?>) type.getRawType();
        Type[] of = type.getActualTypeArguments();
        int size = random.nextInt(4);
        if (raw == List.class || raw == Iterable.class || raw == java.util.Collection.class) {
            List<Object> list = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                list.add(of(of[0], depth));
            }
            return list;
        }
        if (raw == Set.class) {
            return new HashSet<>((List<?>) collection(new ListOf(of[0]), depth));
        }
        if (raw == Map.class) {
            Map<Object, Object> map = new LinkedHashMap<>();
            for (int i = 0; i < size; i++) {
                map.put(of(of[0], depth), of(of[1], depth));
            }
            return map;
        }
        return raw == Optional.class ? Optional.empty() : of(raw, depth);
    }

    private record ListOf(Type of) implements ParameterizedType {
        @Override
        public Type[] getActualTypeArguments() {
            return new Type[] {of};
        }

        @Override
        public Type getRawType() {
            return List.class;
        }

        @Override
        public Type getOwnerType() {
            return null;
        }
    }

    private long number() {
        return random.nextInt(3) > 0 ? random.nextInt(6) : NUMBERS[random.nextInt(NUMBERS.length)];
    }

    private Object of(Class<?> c, int depth) {
        if (c.isPrimitive() || Number.class.isAssignableFrom(c) || c == Boolean.class) {
            return primitive(c);
        }
        if (random.nextInt(12) == 0) {
            return null;
        }
        if (c.isArray()) {
            Object array = Array.newInstance(c.getComponentType(), random.nextInt(5));
            for (int i = 0; i < Array.getLength(array); i++) {
                Array.set(array, i, of(c.getComponentType(), depth));
            }
            return array;
        }
        if (c.isEnum()) {
            return c.getEnumConstants()[random.nextInt(c.getEnumConstants().length)];
        }
        if (c == String.class || c == CharSequence.class || c == Object.class) {
            return TEXTS.get(random.nextInt(TEXTS.size()));
        }
        if (c == Path.class) {
            return paths.get(random.nextInt(paths.size()));
        }
        if (c == Arena.class) {
            return random.nextInt(4) == 0 ? closed : open;
        }
        if (c == MemorySegment.class) {
            return segment();
        }
        Object kept = random.nextInt(4) > 0 ? kept(c) : null;
        return kept != null ? kept : made(c, depth);
    }

    private Object primitive(Class<?> c) {
        if (c == boolean.class || c == Boolean.class) {
            return random.nextBoolean();
        }
        if (c == float.class || c == Float.class) {
            return (float) REALS[random.nextInt(REALS.length)];
        }
        if (c == double.class || c == Double.class) {
            return REALS[random.nextInt(REALS.length)];
        }
        if (c == long.class || c == Long.class) {
            return number();
        }
        if (c == byte.class) {
            return (byte) number();
        }
        return c == char.class ? (Object) 'x' : c == short.class ? (Object) (short) number() : (Object) (int) number();
    }

    private MemorySegment segment() {
        return switch (random.nextInt(8)) {
            case 0 -> MemorySegment.ofArray(new float[16]);
            case 1 -> closedMemory;
            case 2 -> MemorySegment.NULL;
            case 3 -> open.allocate(64).asReadOnly();
            case 4 -> open.allocate(65).asSlice(1);
            default -> open.allocate(random.nextInt(5000), 64);
        };
    }

    /** By a public constructor or factory, or as a callback that does nothing. */
    private Object made(Class<?> c, int depth) {
        if (depth == 0) {
            return null;
        }
        if (c.isInterface() && !c.isSealed()) {
            return Proxy.newProxyInstance(c.getClassLoader(), new Class<?>[] {c}, (proxy, method, arguments) -> switch (method.getName()) {
                case "toString" -> "a proxy of " + c.getSimpleName();
                case "hashCode" -> System.identityHashCode(proxy);
                case "equals" -> proxy == arguments[0];
                default -> method.getReturnType().isPrimitive() && method.getReturnType() != void.class ? primitive(method.getReturnType())
                        : null;
            });
        }
        Class<?> chosen = c.isSealed() && c.isInterface() ? c.getPermittedSubclasses()[random.nextInt(c.getPermittedSubclasses().length)]
                : c;
        List<Executable> makers = new ArrayList<>();
        if (!Modifier.isAbstract(chosen.getModifiers())) {
            makers.addAll(List.of((Executable[]) chosen.getConstructors()));
        }
        for (Method method : chosen.getMethods()) {
            if (Modifier.isStatic(method.getModifiers()) && chosen.isAssignableFrom(method.getReturnType())) {
                makers.add(method);
            }
        }
        if (makers.isEmpty()) {
            return null;
        }
        Executable maker = makers.get(random.nextInt(makers.size()));
        try {
            Object[] arguments = arguments(maker, depth - 1);
            Object value = maker instanceof Constructor<?> constructor ? constructor.newInstance(arguments)
                    : ((Method) maker).invoke(null, arguments);
            keep(value);
            return value;
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }
}
