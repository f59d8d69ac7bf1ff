// A producer or a consumer that stays connected until it is killed, or until its standard input ends.
//   Client NAME_SERVERS producer|consumer GROUP TOPIC
// Prints its client id once the brokers know it.
import java.io.PrintStream;

import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;

public class Client {
    public static void main(String[] words) throws Exception {
        // The libraries' logging says what it does on the standard output, too.
        PrintStream out = System.out;
        System.setOut(System.err);
        String nameServers = words[0], group = words[2], topic = words[3];
        if (words[1].equals("producer")) {
            DefaultMQProducer producer = new DefaultMQProducer(group);
            producer.setNamesrvAddr(nameServers);
            producer.start();
            // A heartbeat goes only to brokers whose topics are used; each queue is on one of them.
            int queues = producer.fetchPublishMessageQueues(topic).size();
            for (int i = 0; i < queues; i++) {
                producer.send(new Message(topic, ("message " + i).getBytes()));
            }
            producer.getDefaultMQProducerImpl().getMqClientFactory().sendHeartbeatToAllBrokerWithLock();
            out.println("CLIENT=" + producer.buildMQClientId());
        } else {
            DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
            consumer.setNamesrvAddr(nameServers);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener(
                (MessageListenerConcurrently) (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
            consumer.start();
            out.println("CLIENT=" + consumer.buildMQClientId());
        }
        while (System.in.read() >= 0) { }
        Runtime.getRuntime().halt(0);
    }
}
