// A streaming job without an end for the tests: counts numbers by key in managed state, about 1,000 a second, and checkpoints
// every second. Arguments: its name.
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

public class Counter {
    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment flow = StreamExecutionEnvironment.getExecutionEnvironment();
        flow.enableCheckpointing(1_000);
        flow.fromSequence(0, Long.MAX_VALUE - 1).uid("numbers")
            .map(number -> { Thread.sleep(1); return number; }).returns(Long.class).uid("pace").name("pace")
            .keyBy(number -> number % 10)
            .map(new Count()).uid("count").name("count")
            .sinkTo(new DiscardingSink<>()).uid("nowhere");
        flow.execute(arguments[0]);
    }

    private static final class Count extends RichMapFunction<Long, Long> {
        private transient ValueState<Long> seen;

        @Override
        public void open(OpenContext context) {
            seen = getRuntimeContext().getState(new ValueStateDescriptor<>("seen", Long.class));
        }

        @Override
        public Long map(Long number) throws Exception {
            Long before = seen.value();
            seen.update(before == null ? 1 : before + 1);
            return seen.value();
        }
    }
}
