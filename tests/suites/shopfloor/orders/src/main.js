import { OrderBook } from "./order-book.js";
import { Bus } from "./bus.js";
import { routes } from "./routes.js";

const book = new OrderBook(new Bus("orders.order"));
routes(book);
book.follow();
