/** The {@code gatun} command. */
module dev.gatun.cli {
    requires dev.gatun.models;
    requires com.fasterxml.jackson.databind;
    requires info.picocli;
    requires java.desktop;
    requires java.net.http;
    requires jdk.jfr;

    opens dev.gatun.cli to info.picocli;
}
