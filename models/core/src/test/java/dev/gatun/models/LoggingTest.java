package dev.gatun.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.net.URL;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who uses the library chooses where logs go: nothing that it brings along is a logging backend, which could be the second of two. */
class LoggingTest {
    private static List<URL> found(String resource) throws IOException {
        return Collections.list(LoggingTest.class.getClassLoader().getResources(resource));
    }

    @Test
    void noLoggingBackendComesAlong() throws IOException {
        assertFalse(found("org/slf4j/LoggerFactory.class").isEmpty(), "slf4j's API comes with the tokenizers");
        for (String backend : new String[] {"META-INF/services/org.slf4j.spi.SLF4JServiceProvider",
                "org/slf4j/impl/StaticLoggerBinder.class",
            "META-INF/services/org.apache.logging.log4j.spi.Provider", "ch/qos/logback/classic/Logger.class"}) {
            assertEquals(List.of(), found(backend), backend);
        }
    }
}
